"""Counting the matrix products that a module computes around its gated pairs."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from core.network.counting import Watching, product_macs


class Products(Watching):
    """Adds up the multiply-adds of all matrix products, convolutions and attentions inside its ``with`` statement.

    Attributes:
        macs: found so far, by the formulas of ``torch.utils.flop_counter``.
    """

    class Pause:
        """Counts nothing inside its ``with`` statement."""

        def __init__(self, products: "Products") -> None:
            self._products = products

        def __enter__(self) -> None:
            self._before, self._products.paused = self._products.paused, True

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self._products.paused = self._before

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def pause(self) -> Pause:
        """Return what pauses the count, for use in a ``with`` statement."""
        return self.Pause(self)

    def saw(self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        """Add up what it multiplies."""
        self.macs += product_macs(operation, args, kwargs, out)
