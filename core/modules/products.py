"""Counting the matrix products that a module computes around its gated pairs."""

from types import TracebackType
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from core.network.counting import decompose, packet, product_macs


class Products(TorchDispatchMode):
    """Adds up the multiply-adds of all matrix products, convolutions and attentions inside its ``with`` statement.

    Attributes:
        macs: found so far, by the formulas of ``torch.utils.flop_counter``.
    """

    class Pause:
        """Counts nothing inside its ``with`` statement."""

        def __init__(self, products: "Products") -> None:
            self._products = products

        def __enter__(self) -> None:
            self._before, self._products._paused = self._products._paused, True

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self._products._paused = self._before

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0
        self._paused = False

    def paused(self) -> Pause:
        """Return what pauses the count, for use in a ``with`` statement."""
        return self.Pause(self)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._paused:
            return func(*args, **kwargs)
        with self:
            decomposed = decompose(func, args, kwargs)
        if decomposed is not NotImplemented:
            return decomposed
        out = func(*args, **kwargs)
        self.macs += product_macs(packet(func), args, kwargs, out)
        return out
