"""Where in a strategy's own source something happened: the file and the line that its author can mend."""

import os
import sys
import traceback
from functools import cache
from pathlib import Path

import numpy as np
import scipy
import torch

import core
import kernels


def place_of(error: BaseException) -> str | None:
    """Return ``file:line`` of the deepest line of a strategy's own that an error came through; None if through none.

    Frames count as a strategy's own if core called them and they are neither of core or kernels nor of Python, torch,
    numpy and scipy.
    """
    found, below_core = None, False
    for frame in traceback.extract_tb(error.__traceback__):
        below_core = below_core or frame.filename.startswith(_core())
        if below_core and _own(frame.filename):
            found = f"{frame.filename}:{frame.lineno}"
    return found


def calling_place() -> str:
    """Return ``file:line`` of the innermost line of a strategy's own that is being executed."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not _own(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


@cache
def _own(file: str) -> bool:
    if file.startswith(("<", *_foreign())):
        return False
    return "site-packages" in file or not file.startswith(_folder(os.__file__))


@cache
def _foreign() -> tuple[str, ...]:
    return tuple(_folder(str(module.__file__)) for module in (core, kernels, torch, np, scipy))


@cache
def _core() -> str:
    return _folder(str(core.__file__))


def _folder(file: str) -> str:
    return f"{Path(file).parent}{os.sep}"
