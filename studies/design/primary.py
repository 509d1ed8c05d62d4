"""Contrasts that a study names before it runs, the only ones that have verdicts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studies.design.dense_front import DENSE_FRONT
from studies.design.setting import Setting


@dataclass(frozen=True)
class Primary:
    """A contrast that has a verdict, in each setting that fits.

    Attributes:
        arm: a strategy or arm of the study.
        reference: what it is compared with on the same seeds: another one, or the dense front.
        dataset: only on this one; None is all of the study's.
        network: only on this one.
        density: only at this target.
    """

    arm: str
    reference: str = DENSE_FRONT
    dataset: str | None = None
    network: str | None = None
    density: float | None = None

    def fits(self, setting: Setting) -> bool:
        """Whether it is a contrast in this setting."""
        return all(
            wanted is None or wanted == found
            for wanted, found in zip((self.dataset, self.network, self.density), setting, strict=True)
        )


def family_size(
    primary: Sequence[Primary], combinations: Iterable[tuple[Setting, str]], grid: Sequence[Setting]
) -> int:
    """Return how many primary contrasts a study has, by which alpha is divided.

    A contrast whose arm does not take part counts as often as there are settings for it: leaving out strategies makes
    no other verdict easier.

    >>> grid = [Setting("digits", "4x4", density) for density in (0.25, 0.5)]
    >>> combinations = [(setting, "top_k") for setting in grid]
    >>> family_size([Primary("top_k"), Primary("reinforce"), Primary("top_k", density=0.5)], combinations, grid)
    5
    """
    by_arm: dict[str, list[Setting]] = {}
    for setting, arm in combinations:
        by_arm.setdefault(arm, []).append(setting)
    return sum(sum(map(entry.fits, by_arm.get(entry.arm, grid))) for entry in primary)
