"""The examples of the documentation run, and do what the pages promise."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import strategies
from core import conformance
from core.architecture import Architecture
from core.data import Split, Splits
from core.data.own import ENTRY_POINT_GROUP
from core.network.fully_connected import FullyConnectedNetwork
from core.space import check_conditions, matters
from core.strategy import ProtocolError, Strategy
from core.training.batch import CountedBatch
from core.training.settings import TrainingSettings
from core.training.train import train
from studies import catalogue, cli
from studies.design import Search, Sweep
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun, most_runs
from studies.design.study import SCALES
from studies.report.latex import latex_table
from studies.report.terminal import terminal_table
from studies.results.table import OUTPUTS
from tests.docs.markdown import ROOT, Block, blocks, examples, file_of
from tests.support.driver import python
from tests.support.invented import random_record, results_of
from tests.support.records import record_of
from tests.support.trained import STREAMS, subject_of

FILES = [block for block in examples("python") if block.title]
SNIPPETS = [block for block in examples("python") if not block.title]


@pytest.mark.parametrize("block", FILES, ids=str)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_an_example_file_has_nothing_that_the_linter_finds(block, command):
    # A file of one's own would lie beside ours.
    name = block.title if "/" in block.title else f"strategies/{block.title}"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "--stdin-filename", name, "-"],
        cwd=ROOT,
        input=block.text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def example(folder: Path, name: str) -> type[Strategy]:
    path = folder / f"{name}.py"
    path.write_text(file_of(path.name), "utf-8")
    return strategies.find(name, (strategies.read_plugin(path),))


STRATEGIES = ["highest_scores", "leave_one_out", "drawn_top_k", "concrete_gates", "low_rank"]
# The most lines, empty ones aside, that anything of one's own takes.
SHORT = 40


@pytest.mark.parametrize("block", FILES, ids=str)
def test_an_example_file_is_short(block):
    assert len([line for line in block.text.splitlines() if line.strip()]) <= SHORT


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_example_strategy_keeps_the_protocol_without_a_warning(tmp_path, name):
    found = example(tmp_path, name)
    assert conformance.problems(found) == []
    assert conformance.warnings(found) == []


@pytest.mark.parametrize(("name", "unbiased"), [("leave_one_out", True), ("concrete_gates", False)])
def test_the_gradient_of_an_example_strategy_is_as_biased_as_the_guide_says(tmp_path, name, unbiased):
    found = conformance.estimate(example(tmp_path, name))
    assert found is not None
    *_, bias, by_chance = map(float, re.findall(r"\d[\d.]*", found))
    assert (bias < 2 * by_chance) == unbiased


FAULTS = {
    "gumbel_like(site.scores, batch.generator)": "torch.rand_like(site.scores)",
    "top_blocks(site.scores, budget(": "top_blocks(site.scores - site.scores.mean(dim=0), budget(",
    'GateRule("top")': 'GateRule("threshold")',
    "straight_through(chosen, chosen * site.scores.softmax(dim=1))": "chosen",
}


@pytest.mark.parametrize(("right", "wrong"), FAULTS.items())
def test_a_fault_is_found_in_the_words_of_the_guide(tmp_path, right, wrong):
    text = file_of("drawn_top_k.py")
    assert right in text
    text = text.replace(right, wrong).replace("from torch import", "import torch\nfrom torch import")
    if "rule" not in right.lower():
        text = re.sub(r"    def gate_rule.+?\n\n", "", text, flags=re.DOTALL)
    # Balancing would teach the gater what the loss does not.
    text = text.replace("load_imbalance(site.scores, chosen)", "load_imbalance(site.scores.detach(), chosen)")
    path = tmp_path / "drawn_top_k.py"
    path.write_text(text, "utf-8")
    strategy = strategies.find("drawn_top_k", (strategies.read_plugin(path),))
    page = (ROOT / "docs" / "guides" / "add_a_strategy.md").read_text("utf-8")
    told = re.findall(r"^\| `(?:warning: )?(\w+: [^`]+)` \|", page, re.MULTILINE)
    problems = (*conformance.problems(strategy), *conformance.warnings(strategy))
    said = [f"{found.check}: {found.message}" for found in problems]
    assert [line for line in told if any(line in found for found in said)], said


def test_the_gater_of_the_guide_costs_what_the_guide_says(tmp_path):
    architecture = Architecture.parse("16x16", features=784, classes=10)
    strategy = example(tmp_path, "low_rank")(architecture, {}, torch.Generator().manual_seed(0))
    network = FullyConnectedNetwork(architecture)
    network.reset(lambda part: torch.Generator().manual_seed(0), 1 / 8)
    batch = CountedBatch(network, torch.ones(3, 784), torch.zeros(3).long(), torch.Generator(), density=1 / 8)
    _, done = strategy.objective(batch)
    two_blocks = 784 * 32 + 32 * 10
    assert done.macs.tolist() == [two_blocks + 784 * 8 + 8 * 16] * 3 == [two_blocks + 6400] * 3
    trained = 2 * 784 * 32 + 3 * 32 * 10 + 2 * 784 * 8 + 3 * 8 * 16
    assert done.training_macs.tolist() == [trained] * 3


def test_the_gater_of_the_guide_is_refused_as_the_guide_says_where_it_is_not_charged(tmp_path):
    text = file_of("low_rank.py")
    charged, free = "site.map(self.gaters[site.index])", "self.gaters[site.index](site.hidden)"
    assert charged in text
    path = tmp_path / "low_rank.py"
    path.write_text(text.replace(charged, free), "utf-8")
    strategy = strategies.find("low_rank", (strategies.read_plugin(path),))
    architecture = Architecture.parse("16x16", features=784, classes=10)
    split = Split(torch.ones(4, 784), torch.zeros(4).long())
    settings = TrainingSettings.of({"epochs": 1})
    with pytest.raises(ProtocolError) as raised:
        train(strategy, {}, architecture, Splits(split, split, None), STREAMS, settings, density=1 / 8)
    said = str(raised.value).replace(str(path), path.name)
    assert f"ProtocolError: {said}\n" in (ROOT / "docs" / "guides" / "add_a_strategy.md").read_text("utf-8")


def test_the_entry_point_of_the_guide_is_in_our_group():
    (block,) = (block for block in examples("toml") if block.page == "docs/guides/add_a_strategy.md")
    assert list(tomllib.loads(block.text)["project"]["entry-points"]) == [strategies.ENTRY_POINT_GROUP]


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of studies beside our own; what was imported from there is forgotten afterwards."""
    monkeypatch.setattr(catalogue, "__path__", [*catalogue.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("studies.catalogue.wider"):
            del sys.modules[name]
            vars(catalogue).pop("wider", None)


def write_study(folder: Path, *, whole: bool) -> None:
    """Write the study as a file, or as a folder with all that the guide puts there."""
    if not whole:
        (folder / "wider.py").write_text(file_of("studies/catalogue/wider.py"), "utf-8")
        return
    (folder / "wider").mkdir()
    (folder / "wider" / "__init__.py").write_text(file_of("studies/catalogue/wider.py"), "utf-8")
    for name in ("report.py", "gain_by_width.py", "measure_parameters.py"):
        (folder / "wider" / name).write_text(file_of(f"studies/catalogue/wider/{name}"), "utf-8")


@pytest.mark.parametrize("whole", [False, True], ids=["file", "folder"])
def test_the_example_study_is_found_and_can_be_frozen_at_each_scale(outside, whole):
    write_study(outside, whole=whole)
    assert "wider" in catalogue.names()
    assert catalogue.line("wider") == "Gates in wider and wider layers, with equally many blocks open."
    study = catalogue.find("wider")
    runs = [most_runs(FrozenStudy.freeze("wider", scale, study.scales[scale])) for scale in SCALES]
    # Two arms in two networks, and the dense networks that they are compared with.
    front = len(FrozenStudy.freeze("wider", "quick", study.scales["quick"]).front)
    assert runs == [seeds * (4 + front) for seeds in (2, 10, 24)]


def test_the_command_line_lists_and_shows_the_example_study(outside, capsys):
    write_study(outside, whole=False)
    assert cli.main(["list"]) == 0
    assert "wider" in capsys.readouterr().out
    assert cli.main(["show", "wider"]) == 0
    assert catalogue.find("wider").question in " ".join(capsys.readouterr().out.split())


def test_a_study_that_says_nothing_of_its_own_shows_the_usual(outside):
    from studies.report.presentation import SEARCHED, UNSEARCHED

    write_study(outside, whole=False)
    for searched, usual in ((True, SEARCHED), (False, UNSEARCHED)):
        shown = catalogue.presentation("wider", searched=searched)
        assert (shown.figures, shown.tables) == (usual, ())


def test_the_table_of_the_example_study_is_written_everywhere(outside):
    def record(run: PlannedRun) -> dict[str, Any]:
        size = 1000 if run.setting.network == "16x16" else 4000
        return record_of(run.configuration) | {"measured": {"parameters": {"parameters": size}}}

    write_study(outside, whole=True)
    shown = catalogue.presentation("wider", searched=False)
    assert [figure.name for figure in shown.figures] == ["gain_by_width", "forest"]
    results = results_of(FrozenStudy.freeze("wider", "quick", catalogue.find("wider").scales["quick"]), record)
    (table,) = shown.tables
    numbers = table.numbers(results)
    of_top_k = numbers[numbers["arm"] == "top_k"]
    assert of_top_k[["network", "parameters"]].to_numpy().tolist() == [["16x16", 1000], ["64x16", 4000]]
    for output in OUTPUTS:
        assert [cells[2].text for cells in table.cells(of_top_k, output)] == ["1,000", "4,000"]
    assert "64x16" in latex_table(table, numbers, table.caption(results))
    assert terminal_table(table, numbers, 80).row_count == 4
    gain, forest = shown.figures
    assert not forest.numbers(results).empty
    assert sorted(gain.numbers(results)["blocks"].unique()) == [16, 64]
    pictures = gain.write(results, outside / "figures", ["svg"])
    assert [picture.name for picture in pictures] == ["gain_by_width.svg"]
    assert "at equal multiply-adds" in (outside / "figures" / "gain_by_width.txt").read_text("utf-8")


def test_the_measurement_of_the_example_study_is_plain_data(outside):
    write_study(outside, whole=True)
    trained = subject_of("dense")
    found = importlib.import_module("studies.catalogue.wider.measure_parameters").measure(trained)
    assert json.loads(json.dumps(found)) == {"parameters": 64 * 16 + 16 + 64 * 4 + 4 + 16 * 10 + 10}


def run_snippet(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    # As many draws as the page's numbers are from would take half a minute.
    text = block.text.replace("draws=400", "draws=20")
    namespace: dict[str, Any] = {}
    monkeypatch.chdir(folder)
    exec(compile(text, str(block), "exec"), namespace)
    return namespace


def snippet(page: str) -> Block:
    (block,) = (block for block in SNIPPETS if block.page == page)
    return block


def test_the_conditional_setting_of_the_guide_matters_where_it_says(tmp_path, monkeypatch):
    space = run_snippet(snippet("docs/guides/add_a_strategy.md"), tmp_path, monkeypatch)["space"]
    check_conditions(space)
    assert [matters("temperature", space, {"mode": mode}) for mode in space["mode"].options] == [False, True]


def test_the_arms_of_the_guide_can_be_frozen(tmp_path, monkeypatch):
    sweep = run_snippet(snippet("docs/guides/add_a_study.md"), tmp_path, monkeypatch)["SWEEP"]
    frozen = FrozenStudy.freeze("arms", "default", sweep)
    assert ("reinforce, sgd", "reinforce, adam") in frozen.contrasts
    assert [arm.levels["optimizer"] for arm in frozen.sweep.arms] == ["sgd", "momentum", "rmsprop", "adam"]


def test_the_search_of_the_guide_can_be_frozen():
    text = (ROOT / "docs" / "guides" / "add_a_study.md").read_text("utf-8")
    assert "`search=Search(points=20, seeds=1, searches=3)`" in text
    search = Search(points=20, seeds=1, searches=3)
    sweep = Sweep(seeds=5, strategies=("reinforce",), test_split="fixed", search=search)
    frozen = FrozenStudy.freeze("searched", "default", sweep)
    assert most_runs(frozen) == (1 + len(frozen.front)) * 3 * (20 + 5)


def test_ten_lines_of_pandas_give_what_the_tables_have(tmp_path, monkeypatch):
    pair = (("top_k", "random_blocks"),)
    sweep = Sweep(
        seeds=5,
        strategies=("top_k", "random_blocks"),
        datasets=("digits",),
        densities=(1 / 8, 1 / 4),
        references=(),
        pairs=pair,
    )
    results = results_of(FrozenStudy.freeze("strategies", "default", sweep), random_record())
    folder = tmp_path / "results" / "strategies"
    folder.mkdir(parents=True)
    results.runs.to_csv(folder / "runs.csv", index=False)
    found = run_snippet(snippet("docs/guides/results.md"), tmp_path, monkeypatch)
    group = ["dataset", "network", "target_density", "arm"]
    summary = found["summary"].reset_index().merge(results.summary, on=group, suffixes=("", "_ours"))
    assert len(summary) == 4
    assert summary["mean"].tolist() == pytest.approx(summary["mean_ours"].tolist())
    assert summary["std"].tolist() == pytest.approx(summary["std_ours"].tolist())
    contrasts = results.contrasts.set_index(group[:3])
    for setting, interval in found["contrasts"].items():
        ours = contrasts.loc[setting]
        of_examples = 1.959964 * ours["example_std"]
        half = np.hypot((interval.high - interval.low) / 2, of_examples)
        expected = ours["difference"] - half, ours["difference"] + half
        assert (ours["ci_low"], ours["ci_high"]) == pytest.approx(expected, rel=1e-5)


def test_the_example_of_the_kernels_skips_what_is_closed(tmp_path, monkeypatch):
    found = run_snippet(snippet("docs/concepts/kernels.md"), tmp_path, monkeypatch)
    y = found["y"].view(2, 3, 5)
    assert y.shape == (2, 3, 5)
    assert (y[found["gates"] == 0] == 0).all()


def test_the_example_for_a_gpu_opens_one_block_of_each_row(tmp_path, monkeypatch):
    found = run_snippet(snippet("docs/guides/gpu.md"), tmp_path, monkeypatch)
    y = found["y"].view(2, 4, 16)
    assert (y[found["gates"] == 0] == 0).all()
    assert (y[found["gates"] == 1] != 0).any()


def test_the_example_of_the_estimators_measures_one(tmp_path, monkeypatch, capsys):
    found = run_snippet(snippet("docs/concepts/estimators.md"), tmp_path, monkeypatch)["found"]
    assert found.relative_variance > 0
    printed = [float(word) for word in capsys.readouterr().out.split()]
    assert printed == [found.relative_variance, found.relative_bias]


# What makes runs of the first study small, so that a guide's commands are run in seconds.
SMALL = ["--dataset", "digits", "--set", "network=4x4", "--set", "epochs=1"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_getting_started_is_followed_word_by_word(tmp_path):
    page = ROOT / "docs" / "guides" / "getting_started.md"
    first, *others = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    # What make runs, once it has installed what is installed here.
    assert first == "make quickstart"
    said = {}
    for line in ["python -m studies run quickstart --set target_density=0.25", *others]:
        if line.startswith("source "):
            continue
        program, *arguments = line.split()
        assert program == "python"
        if arguments[2] == "run" and "target_density" not in line:
            arguments += ["--set", "target_density=0.25"]
        if arguments[2] == "run" and "--plugin" not in arguments:
            arguments += ["--strategies", "random_blocks,reinforce"]
        done = python(tmp_path, *arguments, *(SMALL if arguments[2] == "run" else []))
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said[line] = done.stdout
    assert "look at 6 seeds: " in said["python -m studies run quickstart --until-decided"]
    for name in re.findall(r"`(results/quickstart/[\w.]+)`", page.read_text("utf-8")):
        assert (tmp_path / name).exists(), name
    assert (tmp_path / "paper" / "forest.pdf").exists()
    assert "keeps the protocol" in said["python -m studies strategies --plugin my_gater.py --check my_gater"]
    with_gater = said["python -m studies run quickstart --plugin my_gater.py"]
    assert re.search(r"^my_gater ", with_gater, re.MULTILINE)


def test_a_figure_of_ones_own_is_one_of_a_folder_of_ones_own(tmp_path):
    folder = tmp_path / "mine" / "wider"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(file_of("studies/catalogue/wider.py"), "utf-8")
    (folder / "gain_by_width.py").write_text(file_of("studies/catalogue/wider/gain_by_width.py"), "utf-8")
    told = ("from .gain_by_width import GAIN_BY_WIDTH", "FIGURES = (GAIN_BY_WIDTH,)")
    page = (ROOT / "docs" / "guides" / "add_a_study.md").read_text("utf-8")
    assert all(f"`{line}`" in page for line in told)
    (folder / "report.py").write_text("\n".join(told), "utf-8")
    done = python(tmp_path, "-m", "studies", "show", "mine/wider")
    assert done.returncode == 0, done.stderr
    assert "figures: gain_by_width" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_to_own_data_is_followed_word_by_word(tmp_path):
    page = ROOT / "docs" / "guides" / "own_data.md"
    for name in ("make_sensors.py", "make_topics.py", "my_lab.py"):
        (tmp_path / name).write_text(file_of(name), "utf-8")
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    said = []
    for line in lines:
        program, *arguments = line.split()
        assert program == "python"
        done = python(tmp_path, *arguments)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    _, run, verified, _, of_text, dry = said
    (name,) = re.findall(r"`(sensors@\w+)`", page.read_text("utf-8"))
    assert name in run
    assert "all are identical" in verified
    assert "scaled@" in dry
    assert re.search(r"topics\.txt@[0-9a-f]{12}-bits .* error [\d.]+ bits", of_text)


@pytest.mark.slow
def test_the_guide_to_own_models_is_followed_word_by_word(tmp_path):
    for name in ("gate_mine.py", "use_mine.py"):
        (tmp_path / name).write_text(file_of(name), "utf-8")
        done = python(tmp_path, name)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    error, share = re.findall(r"[\d.]+", (tmp_path / "saved.txt").read_text("utf-8"))
    assert float(error) < 15
    assert float(share) < 60
    assert {path.name for path in tmp_path.glob("gated.*")} == {"gated.pt", "gated.pt2"}


@pytest.mark.slow
def test_the_example_of_an_encoder_layer_prints_what_its_guide_shows(tmp_path):
    page = (ROOT / "docs" / "guides" / "own_model.md").read_text("utf-8")
    done = python(tmp_path, str(ROOT / "docs" / "examples" / "encoder_layer.py"))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    title, *found = done.stdout.splitlines()
    assert title in page
    (shown,) = re.findall(re.escape(title) + r"\n(.+?)\n```", page, re.DOTALL)
    for line, expected in zip(found, shown.splitlines(), strict=True):
        # Another processor rounds otherwise, which some steps make more of.
        own, theirs = (re.findall(r"\d[\d,.]*", text.replace("40 hidden units", "")) for text in (line, expected))
        numbers = [[float(each.replace(",", "")) for each in row] for row in (own, theirs)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.05)


def test_the_entry_point_of_own_data_is_in_our_group():
    (block,) = (block for block in examples("toml") if block.page == "docs/guides/own_data.md")
    assert tomllib.loads(block.text)["project"]["entry-points"] == {ENTRY_POINT_GROUP: {"scaled": "my_lab:scaled"}}


def test_no_example_is_left_out():
    assert {block.title for block in FILES} == {
        *(f"{name}.py" for name in STRATEGIES),
        "gate_mine.py",
        "make_sensors.py",
        "make_topics.py",
        "my_gates/__init__.py",
        "my_gates/clear_winners.py",
        "my_gates/margins.py",
        "my_gates/rings.py",
        "my_gates/winners.py",
        "my_lab.py",
        "read_results.py",
        "run_mine.py",
        "use_mine.py",
        "use_network.py",
        "studies/catalogue/wider.py",
        "studies/catalogue/wider/report.py",
        "studies/catalogue/wider/gain_by_width.py",
        "studies/catalogue/wider/measure_parameters.py",
    }
    tested = (
        "guides/add_a_strategy",
        "guides/add_a_study",
        *["guides/networks"] * 3,
        "guides/gpu",
        "guides/python",
        "guides/results",
        "concepts/kernels",
        "concepts/estimators",
    )
    assert sorted(block.page for block in SNIPPETS) == sorted(f"docs/{page}.md" for page in tested)
