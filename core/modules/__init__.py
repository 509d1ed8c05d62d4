"""Gates for any module: chosen pairs of linear layers of a user's own model, trained in a loop of the user's own."""

from core.modules.cost import Cost
from core.modules.gated_module import GatedModule
from core.modules.gating import gate

__all__ = ["Cost", "GatedModule", "gate"]
