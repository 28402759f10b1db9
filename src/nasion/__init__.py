"""Nasion: craniofacial identification, from an unknown skull to a ranked, explained list of candidates."""

from nasion.version import __version__

__all__ = ["__version__"]
