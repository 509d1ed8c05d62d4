"""The import rules of the house, read from the source itself."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import strategies
import studies.catalogue
from kernels.backend import COMPILED

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernels", "core", "strategies", "studies")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
# From the ground floor up: a room imports from rooms above it in this list, and from itself. What is not in a room of
# its own belongs to the nearest one whose name its own begins with.
ROOMS = (
    "kernels",
    "core.errors",
    "core.space",
    "core.seeding",
    "core.data",
    "core.architecture",
    "core.strategy",
    "core.plugins",
    "core.parts",
    "core.network",
    "core.training",
    "core.modules",
    "core.conformance",
    "strategies",
    "studies.formatting",
    "studies.metric",
    "studies.design",
    "studies.own",
    "studies.records",
    "studies.timing",
    "studies.running",
    "studies.results",
    "studies.report.drawing",
    "studies.report.figures",
    "studies.report",
    "studies.catalogue",
    "studies.networks",
    "studies.finished",
    "studies.launch",
    "studies.cli",
)
# Rooms of one floor, which know nothing of each other.
STRANGERS = {"studies.timing": {"studies.running"}, "studies.results": {"studies.running", "studies.timing"}}
# A strategy is free of its siblings, and sees no more of core than a plugin should.
CLOSED_TO = {"strategies": {"core.data", "core.training", "core.conformance"}}
FENCES = {
    "triton": ("kernels.triton",),
    "numba": ("kernels.cpu",),
    "llvmlite": ("kernels.cpu",),
    "platformdirs": ("kernels.cpu",),
    "ray": ("studies.running.schedule",),
    "pooch": ("core.data",),
    "safetensors": ("studies.records.kept_network",),
    "pydantic": ("studies.design.plain", "studies.records.schema"),
    "click": ("studies.cli",),
    "jinja2": ("studies.report.page",),
    "matplotlib": (
        "studies.report.drawing",
        "studies.report.figures",
        "studies.report.publication",
        "studies.catalogue",
        "studies.finished",
    ),
    "seaborn": ("studies.report.drawing", "studies.report.figures", "studies.report.publication", "studies.catalogue"),
}
# Folders that hold one file for each of a kind, and may grow without end.
COLLECTIONS = {"strategies", "studies/catalogue", "studies/cli/commands", "tests/strategies"}
MOST_MODULES = 15


def top(module: str) -> str:
    return module.partition(".")[0]


def inside(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def imported(nodes: Iterator[ast.AST], module: str, *, package: bool) -> set[str]:
    """Absolute names of what ``nodes`` import; ``from a import b`` is ``a.b``."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + package]
                origin = ".".join([*parts, origin] if origin else parts)
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def imports_of(source: str, module: str, *, package: bool = False) -> set[str]:
    return imported(ast.walk(ast.parse(source)), module, package=package)


def load_time_imports_of(source: str, module: str, *, package: bool = False) -> set[str]:
    """Imports at module level, under ``TYPE_CHECKING`` too."""
    return imported(outside_functions(ast.parse(source)), module, package=package)


def room_of(module: str) -> str | None:
    """The room that a module of ours is in; a package's own docstring module is in none."""
    found = [room for room in ROOMS if inside(module, room)]
    return max(found, key=len) if found else None


def allowed(module: str, other: str) -> bool:
    """Whether a module may import another module of ours."""
    if top(other) == "tests":
        return False
    own, its = room_of(module), room_of(other)
    if own is None:
        # studies/__main__.py, which starts everything; packages with a docstring alone import nothing.
        return module == "studies.__main__"
    if own == its:
        # Strategies, and studies, never import each other.
        return own not in ("strategies", "studies.catalogue") or same_member(module, other, own)
    if its is None:
        return inside(own, other)
    if its in STRANGERS.get(own, set()) | CLOSED_TO.get(own, set()):
        return False
    return ROOMS.index(its) < ROOMS.index(own)


def same_member(module: str, other: str, room: str) -> bool:
    depth = len(room.split("."))
    return module.split(".")[depth : depth + 1] == other.split(".")[depth : depth + 1] != []


def breaches(module: str, source: str, *, package: bool = False) -> set[str]:
    """Imports of ``module`` that the rules forbid."""
    names = imports_of(source, module, package=package)
    ours = {name for name in names if top(name) in {*PACKAGES, "tests"} and not allowed(module, name)}
    fenced = {
        name for name in names if top(name) in FENCES and not any(inside(module, room) for room in FENCES[top(name)])
    }
    return ours | fenced


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kernels.cpu", "import core"),
        ("core.training.train", "from strategies import find"),
        ("core.training.train", "def f():\n    from studies.records.ledger import Ledger"),
        ("core.parts.gates", "from core.network.cost import dense_macs"),
        ("core.network.flips", "from core.training.batch import CountedBatch"),
        ("core.strategy", "from core.parts.gates import budget"),
        ("core.data.splits", "from core.strategy import Strategy"),
        ("strategies.dense", "from strategies import find"),
        ("strategies.dense", "from strategies.small_dense import SmallDense"),
        ("strategies.dense", "from strategies import small_dense"),
        ("strategies.dense", "from . import small_dense"),
        ("strategies.dense", "from .small_dense import SmallDense"),
        ("strategies.dense", "from core.training.train import train"),
        ("strategies.dense", "import studies"),
        ("studies.design.freezing", "from studies.records.ledger import Ledger"),
        ("studies.design.study", "from studies.report.drawing.figure import Figure"),
        ("studies.records.folder", "from studies.results.collecting import collect"),
        ("studies.results.collecting", "from studies.running.runner import run_missing"),
        ("studies.running.runner", "from studies.results import Results"),
        ("studies.running.runner", "from studies.report.page import write_report"),
        ("studies.report.page", "from studies import catalogue"),
        ("studies.report.drawing.figure", "from studies.report.figures.seeds import SEEDS"),
        ("studies.catalogue.noise.report", "from studies.catalogue.passes import DENSE"),
        ("studies.catalogue.noise.report", "from studies import cli"),
        ("studies.running.runner", "import tests.support.networks"),
        ("studies.running.runner", "import ray.tune"),
        ("studies.running.schedules", "import ray"),
        ("studies.cli.commands.run", "from ray import tune"),
        ("studies.report.page", "import matplotlib.pyplot as plt"),
        ("studies.results.summary", "import seaborn"),
        ("core.training.train", "import triton"),
        ("core.training.train", "import pooch"),
        ("studies.running.estimate", "import numba"),
        ("kernels.autograd", "import numba"),
        ("studies.report.page", "import click"),
    ],
)
def test_the_rules_see_a_forbidden_import(module, source):
    assert breaches(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("studies.catalogue.noise.report", "from studies.catalogue.noise import TRAINED"),
        ("studies.catalogue.noise.report", "from studies.report.drawing.figure import Figure"),
        ("studies.report.figures.seeds", "from studies.report.drawing.panels import legend"),
        ("strategies.top_k", "from core.parts.gates import budget"),
        ("studies.cli.commands.run", "from studies.running.runner import run_missing"),
    ],
)
def test_the_rules_let_a_right_import_pass(module, source):
    assert not breaches(module, source)


@pytest.mark.parametrize("module", sorted(FILES))
def test_a_module_keeps_the_import_rules(module):
    path = FILES[module]
    assert not breaches(module, path.read_text(encoding="utf-8"), package=path.name == "__init__.py")


def test_every_module_is_in_a_room():
    empty = {"core", "studies", "studies.__main__"}
    assert [module for module in FILES if room_of(module) is None and module not in empty] == []
    assert [room for room in ROOMS if not any(inside(module, room) for module in FILES)] == []


def test_no_folder_holds_more_modules_than_can_be_looked_over():
    folders: dict[str, int] = {}
    for path in [*FILES.values(), *(ROOT / "tests").rglob("*.py")]:
        if path.name not in ("__init__.py", "conftest.py"):
            folder = str(path.parent.relative_to(ROOT))
            folders[folder] = folders.get(folder, 0) + 1
    assert {name: count for name, count in folders.items() if count > MOST_MODULES and name not in COLLECTIONS} == {}


def test_no_test_module_is_imported_by_another():
    files = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    imported_by_tests = {
        name for path, source in files.items() for name in imports_of(source, ".".join(path.relative_to(ROOT).parts))
    }
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files if path.name.startswith("test_")
    }
    assert {name for name in imported_by_tests if our_test_module(name, modules)} == set()


def our_test_module(name: str, modules: set[str]) -> bool:
    return name in modules or name.rpartition(".")[0] in modules


def test_only_one_module_imports_ray():
    users = {name for name, path in FILES.items() if "ray" in map(top, imports_of(path.read_text("utf-8"), name))}
    assert users == {"studies.running.schedule"}


def our_module(name: str) -> str | None:
    """The longest part of a dotted name that is a module of ours."""
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name or None


def test_modules_import_each_other_without_cycles():
    graph = {}
    for module, path in FILES.items():
        names = load_time_imports_of(path.read_text("utf-8"), module, package=path.name == "__init__.py")
        graph[module] = {found for name in names if (found := our_module(name))}
    assert sum(map(len, graph.values())) > len(FILES)
    graphlib.TopologicalSorter(graph).prepare()


def test_a_cycle_is_seen_under_type_checking_but_not_in_functions():
    source = "if TYPE_CHECKING:\n    import a\nclass C:\n    import b\ndef f():\n    import c\n"
    assert load_time_imports_of(source, "d") == {"a", "b"}


@pytest.mark.parametrize("package", ["kernels", "core", "strategies"])
def test_every_module_imports_without_what_only_studies_need(package):
    blocked = ["ray", "mlxtend", "mnist1d", "matplotlib", "seaborn", "pandas", "triton", "numba", "llvmlite", "pooch"]
    blocked += ["safetensors"]
    below = {"kernels": {"kernels"}, "core": {"core", "kernels"}, "strategies": {"strategies", "core", "kernels"}}
    blocked += {"scipy.io", "tests", *PACKAGES} - below[package]
    # Of a compiled back end, a machine without its compiler gets to see no more than the list of limits.
    compiled = tuple(COMPILED.values())
    seen = {"kernels.triton", "kernels.triton.support"}
    modules = [name for name in FILES if top(name) == package and (name in seen or not name.startswith(compiled))]
    program = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_strategy_file_is_found_by_its_stem():
    stems = sorted(path.stem for path in (ROOT / "strategies").glob("*.py") if path.stem != "__init__")
    assert strategies.built_in() == stems
    assert [strategies.find(stem).name() for stem in stems] == stems


def test_every_study_is_found_by_the_stem_of_its_file_or_folder():
    places = (ROOT / "studies" / "catalogue").iterdir()
    stems = sorted(path.stem for path in places if path.stem not in ("__init__", "__pycache__"))
    assert studies.catalogue.names() == stems
    assert all(studies.catalogue.find(stem).question.endswith("?") for stem in stems)


def test_a_new_strategy_file_needs_no_entry_in_any_list(tmp_path, monkeypatch):
    source = (ROOT / "strategies" / "dense.py").read_text("utf-8")
    (tmp_path / "brand_new.py").write_text(source, "utf-8")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "strategies.brand_new", raising=False)
    assert "brand_new" in strategies.built_in()
    assert strategies.find("brand_new").name() == "brand_new"


def test_a_new_study_file_needs_no_entry_in_any_list(tmp_path, monkeypatch):
    source = (ROOT / "studies" / "catalogue" / "quickstart.py").read_text("utf-8")
    (tmp_path / "brand_new.py").write_text(source.replace("seeds=6", "seeds=4"), "utf-8")
    monkeypatch.setattr(studies.catalogue, "__path__", [*studies.catalogue.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "studies.catalogue.brand_new", raising=False)
    assert "brand_new" in studies.catalogue.names()
    assert studies.catalogue.find("brand_new").scales["default"].seeds == 4


@pytest.mark.parametrize("module", sorted(FILES))
def test_a_module_says_what_it_is_for(module):
    assert ast.get_docstring(ast.parse(FILES[module].read_text("utf-8")))


def test_no_file_is_named_for_holding_odds_and_ends():
    stems = {path.stem for path in [*FILES.values(), *(ROOT / "tests").rglob("*.py")]}
    assert not stems & {"util", "utils", "helper", "helpers", "misc", "common", "lib"}
