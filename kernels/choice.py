"""Which back end runs a call: a pinned one, or one that suits the arguments."""

import functools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import index

import torch

from kernels.backend import BACKENDS, COMPILED, Call, load
from kernels.ordinary import transform
from kernels.reference import GateGrad

VARIABLE = "GATING_BACKEND"

logger = logging.getLogger(__name__)
_pinned: ContextVar[str | None] = ContextVar("pinned", default=None)


class BackendError(RuntimeError):
    """A pinned back end cannot run the call; the message says why."""


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Pin the back end of every ``block_linear`` call with ``backend="auto"`` inside the ``with`` statement.

    Stronger than the environment variable ``GATING_BACKEND``, which is read once, and weaker than the argument
    ``backend``. A function that ``torch.compile`` has traced keeps the back end that was chosen then.

    Raises:
        ValueError: there is no such back end.
    """
    token = _pinned.set(checked(name, "use_backend"))
    try:
        yield
    finally:
        _pinned.reset(token)


def pinned() -> str:
    """Return the name that the context or the environment pins, or ``"auto"``.

    Raises:
        ValueError: the environment names a back end that does not exist.
    """
    return _pinned.get() or _from_environment()


@functools.cache  # a look into the environment takes a microsecond
def _from_environment() -> str:
    return checked(os.environ.get(VARIABLE, "auto"), VARIABLE)


def checked(name: str, where: str) -> str:
    """Return ``name`` if it is ``"auto"`` or a back end's.

    Raises:
        ValueError: it is neither.
    """
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"{where}: unknown backend {name!r}: choose one of auto, {', '.join(BACKENDS)}")
    return name


def choose(
    name: str,
    device: str,
    dtype: torch.dtype,
    weight: tuple[int, ...],
    in_gated: bool,
    gate_grad: GateGrad,
    unusual: str | None = None,
) -> str:
    """Return the back end to run.

    Args:
        name: ``"auto"``, or one that must be used.
        device: the type of that of the tensors.
        dtype: of the weight.
        weight: its shape.
        in_gated: whether there are input gates.
        gate_grad: as given to ``block_linear``.
        unusual: what keeps the call from compiled code, see :func:`kernels.ordinary.unusual`, or None.

    Raises:
        BackendError: ``name`` is pinned, by argument or else by :func:`pinned`, and cannot run this call.
    """
    return _suited(pinned() if name == "auto" else name, device, dtype, weight, in_gated, gate_grad, unusual)


def choose_traced(
    name: str,
    device: str,
    dtype: torch.dtype,
    weight: tuple[int, ...],
    in_gated: bool,
    gate_grad: GateGrad,
) -> str:
    """Return what :func:`choose` does, as a constant of the code that ``torch.compile`` makes.

    A transform inside that code keeps it from the operator, which has rules for none.
    """
    # A size may be a symbol, on which no constant can depend; an index is a number.
    n_out, n_in, in_size, out_size = weight
    sizes = index(n_out), index(n_in), index(in_size), index(out_size)
    chosen: str = _choose_now(name, device, dtype, sizes, in_gated, gate_grad)
    return chosen


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _choose_now(
    name: str, device: str, dtype: torch.dtype, weight: tuple[int, ...], in_gated: bool, gate_grad: GateGrad
) -> str:
    return choose(name, device, dtype, weight, in_gated, gate_grad, transform())


@functools.cache
def _suited(
    name: str,
    device: str,
    dtype: torch.dtype,
    weight: tuple[int, ...],
    in_gated: bool,
    gate_grad: GateGrad,
    unusual: str | None,
) -> str:
    if name == "reference":
        return name
    suited = name if name != "auto" else "triton" if device == "cuda" else "cpu"
    call = Call(device, dtype, tuple(weight), in_gated, gate_grad)
    reason = unusual or _missing(suited) or load(suited).unsupported(call)
    if reason is None:
        _log(suited, "")
        return suited
    if name != "auto":
        raise BackendError(f"backend {name!r} is pinned and cannot run this call: {reason}")
    _log("reference", reason)
    return "reference"


@functools.cache
def _missing(name: str) -> str | None:
    """Return why a compiled back end cannot be imported, or None; log it if what it is compiled with is there."""
    try:
        load(name)
    except ImportError as error:
        reason = f"{COMPILED[name]} cannot be imported: {error}"
        if not isinstance(error, ModuleNotFoundError):
            logger.warning(reason)
        return reason
    return None


@functools.cache
def _log(name: str, reason: str) -> None:
    logger.debug("backend %s%s", name, f", because {reason}" if reason else "")
