"""CycleGAN's and CUT's generator: two halvings, residual blocks, two doublings (Johnson et al., ECCV 2016; PyTorch)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasion.reconstruction.generators.dropout import InputDropout
from nasion.reconstruction.generators.layers import Doubled, Halved, normed, with_view
from nasion.reconstruction.generators.settings import NetworkSettings


class _Block(nn.Module):
    """Two convolutions with a way round them."""

    def __init__(self, channels: int, dropout: InputDropout) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), normed(channels), nn.ReLU(inplace=True)
        )
        self.dropout = dropout
        self.second = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), normed(channels))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        made: Tensor = self.second(self.dropout(self.first(x), noise))
        return x + made


class ResnetGenerator(nn.Module):
    """Pictures (n, 3, s, s), -1 to 1, to pictures of the other kind.

    ``noise_size`` numbers, uniform in 0 to 1, decide what dropout takes away.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.by_view = settings.by_view
        width = settings.width
        encoder: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(3 + settings.by_view, width, 7),
            normed(width),
            nn.ReLU(inplace=True),
        ]
        for channels in (width, 2 * width):
            stride = 1 if settings.antialias else 2
            encoder += [nn.Conv2d(channels, 2 * channels, 3, stride, 1), normed(2 * channels), nn.ReLU(inplace=True)]
            encoder += [Halved(2 * channels)] if settings.antialias else []
        self.noise_size = 0
        for _ in range(settings.blocks):
            dropout = InputDropout((4 * width, 1, 1), settings.dropout, self.noise_size)
            encoder.append(_Block(4 * width, dropout))
            self.noise_size = dropout.stop
        self.encoder = nn.ModuleList(encoder)
        decoder: list[nn.Module] = []
        for channels in (4 * width, 2 * width):
            half = channels // 2
            if settings.antialias:
                decoder += [Doubled(), nn.Conv2d(channels, half, 3, 1, 1)]
            else:
                decoder += [nn.ConvTranspose2d(channels, half, 3, 2, 1, output_padding=1)]
            decoder += [normed(half), nn.ReLU(inplace=True)]
        decoder += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.decoder = nn.Sequential(*decoder)

    def forward(self, picture: Tensor, view: Tensor, noise: Tensor) -> Tensor:
        """Return (n, 3, s, s).

        Parameters
        ----------
        picture
            (n, 3, s, s), -1 to 1.
        view
            (n,), -1 frontal, 1 lateral; looked at where the settings say ``by_view``.
        noise
            (n, noise_size), uniform in 0 to 1.

        """
        x = with_view(picture, view) if self.by_view else picture
        for layer in self.encoder:
            x = layer(x, noise) if isinstance(layer, _Block) else layer(x)
        made: Tensor = self.decoder(x)
        return made

    def features(self, picture: Tensor, view: Tensor, noise: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """Return the maps of some of the encoder's layers, by their places in it: G_enc^l of Eqs. 6 and 7."""
        x = with_view(picture, view) if self.by_view else picture
        found = []
        for place, layer in enumerate(self.encoder[: max(layers) + 1]):
            x = layer(x, noise) if isinstance(layer, _Block) else layer(x)
            if place in layers:
                # a ReLU that works in place would change what was taken before it
                found.append(x.clone())
        return found
