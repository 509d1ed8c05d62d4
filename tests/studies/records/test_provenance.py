"""Which edits make finished runs those of other code, and which do not."""

import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import pytest

import strategies
from core.errors import InputError
from studies.design.configuration import Configuration
from studies.records import provenance
from studies.records.provenance import code_of, differences
from studies.records.schema import problem
from tests.support.driver import ROOT
from tests.support.plugins import PLUGIN, read_plugin, write_plugin
from tests.support.records import configurations_of, design_of, record_of

PACKAGES = ("kernels", "core", "strategies", "studies")
# What editing a file changes of the code of a run of top_k, and of one of reinforce with two measurements.
Changes = dict[str, list[str]]
SUITE: Changes = {"top_k": ["suite"], "reinforce": ["suite"]}
OF_TOP_K: Changes = {"top_k": ["strategy"], "reinforce": []}
OF_REINFORCE: Changes = {"top_k": [], "reinforce": ["strategy"]}
MEASURED: Changes = {"top_k": [], "reinforce": ["measurements"]}
NOTHING: Changes = {"top_k": [], "reinforce": []}
EDITS = {
    "kernels/__init__.py": SUITE,
    "kernels/reference.py": SUITE,
    "kernels/cpu/product.py": SUITE,
    "kernels/triton/plan.py": SUITE,
    "core/strategy.py": SUITE,
    "core/seeding.py": SUITE,
    "core/parts/gates.py": SUITE,
    "core/network/cost.py": SUITE,
    "core/training/train.py": SUITE,
    "core/data/splits.py": SUITE,
    "strategies/__init__.py": SUITE,
    "studies/running/trial.py": SUITE,
    "core/parts/of_tomorrow.py": SUITE,
    "strategies/top_k.py": OF_TOP_K,
    "strategies/reinforce.py": OF_REINFORCE,
    "studies/catalogue/batch_size/measure_batch_latency.py": MEASURED,
    "studies/catalogue/variance/measure_estimator.py": MEASURED,
    # What a measurement imports, and what that imports.
    "studies/timing/clock.py": MEASURED,
    "studies/timing/measure_pass_time.py": MEASURED,
    "studies/timing/unaccounted.py": MEASURED,
    "strategies/dense.py": NOTHING,
    "strategies/of_tomorrow.py": NOTHING,
    "core/conformance/__init__.py": NOTHING,
    "core/conformance/learning.py": NOTHING,
    "studies/catalogue/teachers/measure_label_leakage.py": NOTHING,
    "studies/catalogue/portability/inference.py": NOTHING,
    "studies/catalogue/batch_size/__init__.py": NOTHING,
    "studies/catalogue/quickstart.py": NOTHING,
    "studies/timing/printing.py": NOTHING,
    "studies/design/sweep.py": NOTHING,
    "studies/running/runner.py": NOTHING,
    "studies/running/schedule.py": NOTHING,
    "studies/results/statistics/paired.py": NOTHING,
    "studies/report/page.py": NOTHING,
    "studies/report/page.html.jinja": NOTHING,
    "studies/report/figures/seeds.py": NOTHING,
    "studies/cli/commands/run.py": NOTHING,
    "docs/index.md": NOTHING,
    "README.md": NOTHING,
    "tests/conftest.py": NOTHING,
}
ASKED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from studies.records import provenance
from tests.support.records import configurations_of, design_of

one, other = (configurations_of(design_of(name, seeds=1))[0] for name in ("top_k", "reinforce"))
other = replace(other, measurements=("batch_latency", "estimator"))

def code():
    return {run.strategy: provenance.code_of(run) for run in (one, other)}

def forget():
    for part in (provenance._shared, provenance._of_strategy, provenance._of_measurements):
        part.cache_clear()

def edit(path):
    there = path.read_bytes() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((there or b"") + b"\\n")
    at_once = code()
    forget()
    after = code()
    path.unlink()
    if there is not None:
        path.write_bytes(there)
    forget()
    assert code() == before
    changed = {run: [part for part in after[run] if after[run][part] != before[run][part]] for run in after}
    return {"at once": at_once == before, "changed": changed}

before = code()
print(json.dumps({"code": before, "edits": {name: edit(Path(name)) for name in sys.argv[1:]}}))
"""


def ask(place: Path, *names: str, paths: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Ask a process that runs the code of another place for the code of two runs, and what of it each edit changes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths or (place,)))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASKED, *names],
        cwd=place, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def copy(*packages: str, to: Path) -> None:
    for package in packages:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def answer(tmp_path_factory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("copy")
    copy(*PACKAGES, "docs", "tests", to=place)
    shutil.copy(ROOT / "README.md", place)
    return ask(place, *EDITS)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_the_code_of_the_runs_that_it_can_change(answer, name):
    assert answer["edits"][name]["changed"] == EDITS[name]


def test_an_edit_does_not_change_what_a_process_has_loaded(answer):
    assert all(edit["at once"] for edit in answer["edits"].values())


def test_the_code_is_that_of_its_text_wherever_it_lies(answer, tmp_path):
    # The workers of a cluster get each package in a folder of its own.
    places = [tmp_path / package for package in (*PACKAGES, "tests")]
    for place in places:
        copy(place.name, to=place)
    assert ask(tmp_path, paths=tuple(places))["code"] == answer["code"]


def run_of(strategy: str, plugins: tuple[strategies.Plugin, ...] = ()) -> Configuration:
    return configurations_of(design_of(strategy, seeds=1, plugins=plugins))[0]


def code_with(plugin: strategies.Plugin) -> dict[str, str]:
    return code_of(run_of("of_mine", (plugin,)), (plugin,))


WITH_ANOTHER = f"import scores\n{PLUGIN}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("of_mine.py", f"{WITH_ANOTHER}# edited\n"),
        ("scores.py", "from deeper import DEEP\n# edited\n"),
        ("deeper.py", "DEEP = 2\n"),
    ],
)
def test_editing_a_plugin_or_a_module_beside_it_changes_its_code_and_nothing_elses(tmp_path, name, text):
    (tmp_path / "scores.py").write_text("from deeper import DEEP\n", "utf-8")
    (tmp_path / "deeper.py").write_text("DEEP = 1\n", "utf-8")
    before = read_plugin(tmp_path, text=WITH_ANOTHER)
    (tmp_path / name).write_text(text, "utf-8")
    after = strategies.read_plugin(tmp_path / "of_mine.py")
    one, other = code_with(before), code_with(after)
    assert one["suite"] == other["suite"]
    assert one["strategy"] != other["strategy"]
    assert code_of(run_of("dense", (before,)), (before,)) == code_of(run_of("dense", (after,)), (after,))
    # A run of other code has another name, so that both stay.
    assert run_of("of_mine", (before,)).run_id != run_of("of_mine", (after,)).run_id


def test_what_lies_beside_a_plugin_and_is_not_imported_is_not_its_code(tmp_path):
    before = code_with(read_plugin(tmp_path))
    (tmp_path / "notes.py").write_text("NOTES = 1\n", "utf-8")
    assert code_with(read_plugin(tmp_path)) == before


def test_moving_a_plugin_changes_nothing(tmp_path):
    (tmp_path / "there").mkdir()
    assert code_with(read_plugin(tmp_path)) == code_with(read_plugin(tmp_path / "there"))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package with a strategy that needs a module of it; and forgets it."""
    entries = [EntryPoint("of_theirs", "their_gates.gater", strategies.ENTRY_POINT_GROUP)]
    monkeypatch.setattr(strategies, "entry_points", lambda group: entries)
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "their_gates"
    (package / "parts").mkdir(parents=True)
    for name in ("__init__.py", "parts/__init__.py", "parts/scores.py"):
        (package / name).write_text("", "utf-8")
    write_plugin(package, "gater", text=f"from their_gates.parts import scores\n{PLUGIN}")
    importlib.invalidate_caches()
    yield package
    for name in [name for name in sys.modules if name.startswith("their_gates")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["gater.py", "__init__.py", "parts/scores.py"])
def test_editing_any_module_of_an_installed_package_changes_its_code_and_its_runs(installed, name):
    before = strategies.code_hash("of_theirs")
    assert strategies.source_hash("of_theirs") == before
    assert run_of("of_theirs").strategy_source == before
    (installed / name).write_text((installed / name).read_text("utf-8") + "# edited\n", "utf-8")
    after = strategies.code_hash("of_theirs")
    assert after != before
    assert run_of("of_theirs").strategy_source == after


def test_editing_a_module_beside_an_installed_module_changes_its_code(tmp_path, monkeypatch):
    entries = [EntryPoint("of_theirs", "their_gater", strategies.ENTRY_POINT_GROUP)]
    monkeypatch.setattr(strategies, "entry_points", lambda group: entries)
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin(tmp_path, "their_gater", text=f"import their_scores\n{PLUGIN}")
    (tmp_path / "their_scores.py").write_text("", "utf-8")
    importlib.invalidate_caches()
    try:
        before = strategies.code_hash("of_theirs")
        (tmp_path / "their_scores.py").write_text("# edited\n", "utf-8")
        assert strategies.code_hash("of_theirs") != before
    finally:
        for name in ("their_gater", "their_scores"):
            sys.modules.pop(name, None)


def test_an_unknown_strategy_has_no_code():
    with pytest.raises(InputError, match="unknown strategy 'top_key': did you mean 'top_k'"):
        code_of(replace(run_of("top_k"), strategy="top_key"))


def test_an_unknown_measurement_has_no_code():
    with pytest.raises(InputError, match="unknown measurement 'pas_time': did you mean 'pass_time'"):
        code_of(replace(run_of("top_k"), measurements=("pas_time",)))


def test_a_record_says_versions_and_host():
    made = provenance.of(run_of("dense"), (), "cpu")
    assert made.keys() == {"code", "versions", "host"}
    assert made["versions"]["python"] == platform.python_version()
    assert {name: made["versions"][name] for name in ("torch", "numpy")} == {
        name: version(name) for name in ("torch", "numpy")
    }
    assert all(isinstance(text, str) and text for text in made["versions"].values())
    assert made["host"]["name"] == platform.node()
    assert made["host"]["device"] == "cpu"
    assert problem({**record_of(run_of("dense")), **made}) is None


def test_a_run_on_a_gpu_says_on_which(monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "A Fast One")
    assert provenance.host("cuda")["device"] == "A Fast One"


CODE = {"suite": "a", "strategy": "b", "measurements": "c"}


@pytest.mark.parametrize(
    ("made_by", "found"),
    [
        (CODE, []),
        ({**CODE, "suite": "x"}, ["suite"]),
        ({**CODE, "suite": "x", "measurements": "x"}, ["suite", "measurements"]),
        ({"suite": "a", "strategy": "b"}, ["measurements"]),
        ({}, ["suite", "strategy", "measurements"]),
        (None, ["unrecorded"]),
    ],
)
def test_what_differs_is_named(made_by, found):
    assert differences({"code": made_by}, CODE) == found
    assert differences({}, CODE) == ["unrecorded"]
