"""Left and right exchanged in a photograph's landmarks, found by geometry with the generic head."""

from __future__ import annotations

from typing import Final

from nasion.anatomy.landmarks import side
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import pose_angles_deg
from nasion.overlay.checks import FEWEST
from nasion.overlay.posterior import PosteriorSolver, generic_head
from nasion.overlay.problem import Photo
from nasion.overlay.settings import PosteriorSettings

PROFILE_YAW_DEG: Final = 50.0
BEHIND_YAW_DEG: Final = 96.0
"""A little beyond the profile: a true one may come out at 95 degrees with a landmark of the far side in view."""


def check_photo_sides(photo: Photo, tissue: TissueTable) -> None:
    """Refuse a photograph whose left and right landmarks are exchanged.

    The generic head is overlaid on the landmarks. Exchanged names are the mirror image of a face, which a rotation can
    only meet from behind: the fitted head then looks away from the camera (yaw beyond the profile). In a profile with
    landmarks of one side only, the named side must be the one that the camera sees.

    Raises
    ------
    NasionError
        The sides are exchanged, or the landmarks lie on one line or plane.

    """
    sides = {side(name) for name in photo.landmarks_px} - {None}
    if not sides or len(photo.landmarks_px) < FEWEST:
        # too few landmarks are the solver's to refuse
        return
    settings = PosteriorSettings()
    solution = PosteriorSolver(generic_head(settings.generic_sigma_mm), tissue, settings).solve([photo])
    yaw, _, _ = pose_angles_deg(solution.photos[0].camera.rotation)
    # a face turned to the subject's left (yaw > 0) shows its right side
    hidden_side = "left" if yaw > 0 else "right"
    from_behind = abs(yaw) > BEHIND_YAW_DEG
    profile_of_other_side = sides == {hidden_side} and abs(yaw) > PROFILE_YAW_DEG
    if profile_of_other_side or (len(sides) == 2 and from_behind):
        raise NasionError(
            f"{photo.name}: left and right landmarks are exchanged (left is the subject's left, at the "
            "right of a frontal picture); rename them, or accept the sides as they are with --accept-sides"
        )
