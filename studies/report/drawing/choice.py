"""What of a figure is drawn, under which names and in which colours, where a user asks for other than all of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex

from core.errors import InputError, unknown
from studies.design.dense_front import DENSE_FRONT
from studies.design.freezing import FrozenStudy


@dataclass(frozen=True)
class Choice:
    """Which arms are drawn, and how.

    Attributes:
        arms: only these; none for all, in their usual colours.
        names: what arms are called in the picture, by their names in the study.
        palette: a seaborn palette whose colours ``arms`` have, in their order; empty for the usual ones.
        others: what was put beside the study, which is drawn with any arms.
    """

    arms: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    palette: str = ""
    others: tuple[str, ...] = ()

    @classmethod
    def among(
        cls,
        design: FrozenStudy,
        arms: Sequence[str],
        names: Mapping[str, str],
        palette: str,
        others: Sequence[str] = (),
    ) -> "Choice":
        """Choose among the arms of a study; a palette without ``arms`` is for all of them, in the study's order.

        Raises:
            InputError: an arm is unknown, two get one name, or there is no such palette.
        """
        ours = [arm.name for arm in design.arms if not arm.front_of]
        for name in (*arms, *names):
            if name not in ours:
                raise unknown("arm", name, ours)
        called = [*(names.get(name, name) for name in ours), *others]
        if twice := sorted({name for name in called if called.count(name) > 1}):
            raise InputError(f"two arms would be called {twice[0]!r}")
        if palette:
            try:
                sns.color_palette(palette)
            except ValueError:
                raise InputError(
                    f"unknown palette {palette!r}: a name that seaborn knows, such as colorblind or viridis"
                ) from None
        return cls(tuple(arms) or (tuple(ours) if palette else ()), dict(names), palette, tuple(others))

    def colours(self) -> dict[str, str]:
        """Return the colours of the palette by what arms are called, the same in every figure."""
        if not self.palette:
            return {}
        colours = sns.color_palette(self.palette, len(self.arms))
        return {self.names.get(arm, arm): to_hex(colour) for arm, colour in zip(self.arms, colours, strict=True)}

    def of(self, numbers: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that are drawn, their arms under the names of the picture; a table without arms as it is."""
        columns = [column for column in ("arm", "reference") if column in numbers]
        if "arm" in columns and self.arms:
            # The dense front stands in every figure that has it, and so does what was put beside the study.
            numbers = numbers[numbers["arm"].isin((*self.arms, DENSE_FRONT, *self.others))]
        return numbers.assign(**{column: numbers[column].replace(dict(self.names)) for column in columns})


_chosen: ContextVar[Choice | None] = ContextVar("chosen", default=None)


@contextmanager
def drawing(choice: Choice) -> Iterator[None]:
    """Draw as ``choice`` says inside the ``with`` statement."""
    token = _chosen.set(choice)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> Choice:
    """Return what is drawn, and how."""
    return _chosen.get() or Choice()
