"""Named studies: expansion into runs, scheduling, the ledger, aggregation, figures and the report.

In Python, ``studies.run("quickstart")`` runs a study and returns what it has found,
``studies.load("results/quickstart")`` reads it again, and ``studies.compare`` sets two side by side; see
:mod:`studies.launch.run` and :mod:`studies.finished`. ``studies.load_network`` reads a trained network that was saved.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Where what is public is, by its name here and there.
_PUBLIC = {
    "FinishedNetwork": ("studies.networks.finished_network", "FinishedNetwork"),
    "FinishedStudy": ("studies.finished", "FinishedStudy"),
    "compare": ("studies.finished", "compare"),
    "load": ("studies.finished", "load"),
    "load_network": ("studies.networks.finished_network", "load"),
    "run": ("studies.launch.run", "run"),
}
# Packages of common names that belong to this one, and a file that each has.
_BESIDE = {"kernels": "operation.py", "core": "strategy.py", "strategies": "reinforce.py"}


def _check_neighbours() -> None:
    """Check that the packages of common names are those of this program, wherever they lie.

    Raises:
        ImportError: another package, installed or in the folder that Python was started in, hides one of them. It is
            named after this package, so that ``python -m studies`` says it in one line.
    """
    for name, file in _BESIDE.items():
        spec = find_spec(name)
        places = [] if spec is None else list(spec.submodule_search_locations or ())
        if not any((Path(place) / file).is_file() for place in places):
            found = places[0] if places else "nowhere" if spec is None else spec.origin
            raise ImportError(
                f"another package named {name!r} hides that of Gating Studies: Python finds {found}; start it in "
                "another folder, or in an environment of its own",
                name="studies",
            )


_check_neighbours()


def __getattr__(name: str) -> Any:
    # Not imported before they are asked for: to say what commands there are must take no time.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own_name = _PUBLIC[name]
    return getattr(import_module(module), own_name)


def __dir__() -> list[str]:
    return sorted((*globals(), *_PUBLIC))
