"""Compiling kernels before they are called, so that whatever cannot run them is known when a back end is chosen."""

import functools
import importlib
import inspect
import logging
import textwrap

from numba import types

from kernels.choice import BackendError
from kernels.cpu.compilation.folder import announce
from kernels.cpu.compilation.processor import PROCESSOR

_KINDS = {int: types.int64, float: types.float64}
_LONGEST_REASON = 300

logger = logging.getLogger(__name__)


def require(*groups: tuple[str, ...]) -> None:
    """Compile kernels, or load them.

    Args:
        groups: ``LAYER`` or ``NETWORK``.

    Raises:
        BackendError: this machine cannot run them; the message says why.
    """
    for kernels in groups:
        reason = unavailable(kernels)
        if reason is not None:
            raise BackendError(reason)


@functools.cache
def unavailable(kernels: tuple[str, ...]) -> str | None:
    """Return why this machine cannot run kernels, or None; compile them, or load them, to know.

    Kernels that do not compile are logged, since any machine should compile them.
    """
    if not PROCESSOR.fused:
        return f"the cpu back end needs fused multiply-adds, which the processor ({PROCESSOR.name}) does not have"
    announce(kernels)
    try:
        for kernel in kernels:
            _compile(kernel)
    except Exception as error:  # numba's, LLVM's, or Python's if this numba lacks what they are compiled with
        problem = textwrap.shorten(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        reason = f"the CPU kernels cannot be compiled: {problem}"
        logger.warning(reason)
        return reason
    return None


def _compile(kernel: str) -> None:
    module, name = kernel.split(".")
    dispatcher = getattr(importlib.import_module(f"kernels.cpu.{module}"), name)
    arguments = inspect.signature(dispatcher.py_func).parameters.values()
    dispatcher.compile(tuple(_KINDS[argument.annotation] for argument in arguments))
