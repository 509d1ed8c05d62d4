"""Finding work that nobody is charged for: products that a strategy computes around the calls that are counted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from core.network.counting import Watching, multiplications, product_macs
from core.plugins.places import calling_place
from core.strategy import ProtocolError

# Elementwise multiplications that are free, per block and decision: those of gates, probabilities and penalties. No
# strategy of ours needs more than four.
FREE_MULTIPLICATIONS = 16

_current: ContextVar["_Watch | None"] = ContextVar("watch", default=None)


class _Watch(Watching):
    """Notes what a strategy multiplies on its own account while it is not paused."""

    def __init__(self, examples: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.examples = examples
        self.free = FREE_MULTIPLICATIONS * examples * sum(blocks)
        self.widest = max(blocks)
        self.multiplied = 0
        self.products = 0
        self.of_gates = 0
        self._largest: dict[str, tuple[int, str, str]] = {}

    def saw(self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        """Note what it multiplies, and where."""
        product, elementwise = product_macs(operation, args, kwargs, out), multiplications(operation, out)
        if product and product <= self.widest * _numbers(out):
            # Each number of the result is a sum over no more than the blocks of a layer: gates multiplied with gates.
            self.of_gates += product
            product, elementwise = 0, product
        else:
            self.products += product
            self.multiplied += elementwise
        for kind, amount in (("product", product), ("multiplication", elementwise)):
            if amount > self._largest.get(kind, (0,))[0]:
                self._largest[kind] = amount, operation.__name__, calling_place()

    def settle(self, what: str) -> None:
        """Raise what was found.

        Raises:
            ProtocolError: there were products, or more multiplications than are free.
        """
        beyond = self.multiplied + self.of_gates > self.free
        if not self.products and not beyond:
            return
        kind = "product" if self.products else "multiplication"
        amount = self.products + self.of_gates + (self.multiplied if beyond else 0)
        _, operation, place = self._largest[kind]
        raise ProtocolError(
            f"{what} does work that is not charged: {amount / self.examples:,.0f} multiply-adds per example, most of "
            f"them by {operation} at {place}; run modules of your own through site.map or batch.project"
        )


def _numbers(out: Any) -> int:
    """How many numbers an operation gives; a backward pass gives several tensors."""
    return sum(each.numel() for each in tree_leaves(out) if isinstance(each, Tensor))


@contextmanager
def found_out(what: str, examples: int, blocks: Sequence[int]) -> Iterator[None]:
    """Find out what a strategy computes inside the ``with`` statement without being charged for it.

    Free are elementwise multiplications, :data:`FREE_MULTIPLICATIONS` for each example and block of the network and as
    many again for every decision; and additions, comparisons, sorting and activations of any size. Matrix products are
    never free, but for those that sum over no more numbers than a layer has blocks, as of gates with gates: these count
    as so many multiplications. What does not go through torch's dispatcher, such as numpy, is not seen.

    Args:
        what: runs inside, for the message.
        examples: of the batch.
        blocks: of each layer.

    Raises:
        ProtocolError: there was such work.
    """
    watch = _Watch(examples, blocks)
    token = _current.set(watch)
    try:
        with watch:
            yield
    finally:
        _current.reset(token)
    watch.settle(what)


class charged(ContextDecorator):  # noqa: N801 - a context manager that is used like a function
    """Marks work that core counts itself; for use in a ``with`` statement, or as a decorator."""

    def _recreate_cm(self) -> Self:
        # A decorated function may call another of its kind.
        return type(self)()

    def __enter__(self) -> None:
        self._watch = _watch()
        if self._watch is not None:
            self._before, self._watch.paused = self._watch.paused, True

    def __exit__(self, *error: object) -> None:
        if self._watch is not None:
            self._watch.paused = self._before


class deciding:  # noqa: N801
    """Marks a strategy's decision, which is called from inside charged work; for use in a ``with`` statement.

    Args:
        rows: of the batch, samples included.
        blocks: of the layer.
    """

    def __init__(self, rows: int, blocks: int) -> None:
        self._entries = rows * blocks

    def __enter__(self) -> None:
        self._watch = _watch()
        if self._watch is not None:
            self._before, self._watch.paused = self._watch.paused, False
            self._watch.free += FREE_MULTIPLICATIONS * self._entries

    def __exit__(self, *error: object) -> None:
        if self._watch is not None:
            self._watch.paused = self._before


def watching() -> bool:
    """Whether uncharged work is looked for at the moment."""
    return _watch() is not None


def _watch() -> "_Watch | None":
    # A network that is being compiled is not watched, and a context variable would cut its graph.
    return None if torch.compiler.is_compiling() else _current.get()
