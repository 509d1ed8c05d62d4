"""Keeps the doctest run from importing device code where Triton is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("triton") else ["kernels/triton/*.py"]
