"""Where arms are compared with one another."""

from typing import NamedTuple


class Setting(NamedTuple):
    """Arms are compared with one another within a setting, and searched in each by themselves."""

    dataset: str
    network: str
    target_density: float
