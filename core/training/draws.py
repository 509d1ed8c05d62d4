"""Random draws that are noted as they are made, and given again to some of the examples they were made for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class UnmatchedError(Exception):
    """A draw cannot be told apart by example, so that it cannot be given again to some of them."""


@dataclass(frozen=True)
class _Draw:
    name: str
    values: Tensor
    given: tuple[Tensor, ...]


class Draws:
    """The random draws of one call, in order.

    Args:
        rows: for which they are made. A draw has one dimension of as many rows, or of several copies of them.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._made: list[_Draw] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Draw as usual inside the ``with`` statement, and note what was drawn."""
        with _Noting(self._made):
            yield

    @contextmanager
    def again(self, chosen: Tensor) -> Iterator[None]:
        """Give the ``chosen`` rows ``[m]`` of each noted draw again, one draw after another.

        Raises:
            UnmatchedError: a draw has not so many rows, or there are more draws than were noted.
        """
        with _Repeating(self._made, self._rows, chosen):
            yield


class _Noting(TorchDispatchMode):
    def __init__(self, made: list[_Draw]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._made = made

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = tuple(arg.detach().clone() for arg in _distribution(func, args)) if _draws(func) else ()
        out = func(*args, **(kwargs or {}))
        if _draws(func):
            if not isinstance(out, Tensor):
                raise UnmatchedError(f"{func} draws more than one tensor")
            self._made.append(_Draw(str(func), out.detach().clone(), given))
        return out


class _Repeating(TorchDispatchMode):
    def __init__(self, made: Sequence[_Draw], rows: int, chosen: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = list(made)
        self._rows = rows
        self._chosen = chosen

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if not _draws(func):
            return func(*args, **(kwargs or {}))
        if not self._left:
            raise UnmatchedError("more draws are made for some of the examples than for all")
        noted = self._left.pop(0)
        if noted.name != str(func):
            raise UnmatchedError(f"{func} draws where {noted.name} drew for all examples")
        values = self._of_chosen(noted.values)
        for now, then in zip(_distribution(func, args), noted.given, strict=True):
            expected = self._of_chosen(then)
            if now.shape != expected.shape or not torch.allclose(now, expected, rtol=1e-3, atol=1e-5, equal_nan=True):
                # What is drawn from depends on the other examples: so does the draw.
                values = func(*args, **(kwargs or {}))
        target = args[0] if func._schema.is_mutable else None
        if target is None:
            return values
        if target.shape != values.shape:
            raise UnmatchedError(f"{func} draws {list(target.shape)} where {list(values.shape)} belong to the examples")
        return target.copy_(values)

    def _of_chosen(self, values: Tensor) -> Tensor:
        for dimension, size in enumerate(values.shape):
            if size and size % self._rows == 0:
                copies = torch.arange(size // self._rows, device=values.device)[:, None] * self._rows
                return values.index_select(dimension, (copies + self._chosen.to(values.device)).flatten())
        return values.clone()


def _draws(func: Any) -> bool:
    # Attention draws for its dropout, which nobody here asks for.
    return torch.Tag.nondeterministic_seeded in getattr(func, "tags", ()) and "scaled_dot_product" not in str(func)


def _distribution(func: Any, args: Sequence[Any]) -> list[Tensor]:
    """The tensors that a draw depends on; what it overwrites is none of them."""
    rest = args[1:] if func._schema.is_mutable else args
    takes_shape_only = "_like" in str(func)
    return [] if takes_shape_only else [arg for arg in rest if isinstance(arg, Tensor) and arg.is_floating_point()]
