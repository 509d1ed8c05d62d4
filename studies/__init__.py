"""Named studies: expansion into runs, scheduling, the ledger, aggregation, figures and the report.

In Python, ``studies.load("results/quickstart")`` reads what a study has found, and ``studies.compare`` sets two side by
side; see :mod:`studies.finished`.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PUBLIC = ("FinishedStudy", "compare", "load")
_BESIDE = ("kernels", "core", "strategies")


def _check_neighbours() -> None:
    """Check that the packages of common names that lie beside this one are those that Python finds.

    Raises:
        ImportError: another package, installed or in the folder that Python was started in, hides one of them. It is
            named after this package, so that ``python -m studies`` says it in one line.
    """
    here = Path(__file__).resolve().parent.parent
    for name in _BESIDE:
        spec = find_spec(name)
        places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
        if not any(place and Path(place).resolve().is_relative_to(here / name) for place in places):
            found = next((place for place in places if place), "nowhere")
            raise ImportError(
                f"another package named {name!r} hides that of Gating Studies: Python finds {found}, "
                f"not {here / name}; start it in another folder, or in an environment of its own",
                name="studies",
            )


_check_neighbours()


def __getattr__(name: str) -> Any:
    # Not imported before they are asked for: to say what commands there are must take no time.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("studies.finished"), name)


def __dir__() -> list[str]:
    return sorted((*globals(), *_PUBLIC))
