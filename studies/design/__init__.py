"""From a question to a list of runs: studies, their sweeps and arms, frozen with every default filled in."""

from studies.design.arm import Arm
from studies.design.dense_front import DENSE_FRONT
from studies.design.primary import Primary
from studies.design.protocol import Search
from studies.design.study import Study
from studies.design.sweep import Sweep

__all__ = ["DENSE_FRONT", "Arm", "Primary", "Search", "Study", "Sweep"]
