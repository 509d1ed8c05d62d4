"""A package from outside and this one, built, installed and used as the guide says; and what is said without them."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import strategies
from core.data import own as own_data
from studies.own import study as own_study
from tests.docs.markdown import ROOT, blocks
from tests.support.driver import Driver

PAGE = ROOT / "docs" / "guides" / "packages.md"
PACKAGES = ("kernels", "core", "strategies", "studies")
WRITTEN = {block.title: block.text for block in blocks(PAGE) if block.title}
COMPILE = "from kernels.cpu.compilation import LAYER, NETWORK, require; require(LAYER, NETWORK)"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def wheel_of(folder: Path, place: Path) -> Path:
    """Build the wheel of a project in a folder, which is written to."""
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(place), str(folder))
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def our_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this package, built from a copy since a build leaves files behind."""
    copy = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return wheel_of(copy, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def ours(our_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which this package is installed, and nothing else."""
    place = tmp_path_factory.mktemp("ours")
    pip("install", "--target", str(place), str(our_wheel))
    return place


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package of the guide is installed, from a wheel of its files."""
    source = tmp_path_factory.mktemp("my-gates")
    for title, text in WRITTEN.items():
        (source / title).parent.mkdir(exist_ok=True)
        (source / title).write_text(text, "utf-8")
    place = tmp_path_factory.mktemp("theirs")
    pip("install", "--target", str(place), str(wheel_of(source, tmp_path_factory.mktemp("their wheel"))))
    return place


def test_the_wheel_has_every_module_and_file_and_says_that_it_is_typed(our_wheel):
    inside = set(zipfile.ZipFile(our_wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"{name}/py.typed" for name in PACKAGES} <= wanted
    assert {name for name in inside if ".dist-info/" not in name} == wanted
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_command_of_the_wheel_works_from_there(ours, tmp_path):
    def said(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ours / "bin" / "gating-studies"), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ours), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert said("--version") == f"gating-studies {version}\n"
    assert "quickstart" in said("list")
    said("new", "strategy", "my_gater")
    assert (tmp_path / "my_gater.py").exists()


def test_the_entry_points_of_the_guide_are_in_our_groups():
    groups = tomllib.loads(WRITTEN["pyproject.toml"])["project"]["entry-points"]
    assert set(groups) == {strategies.ENTRY_POINT_GROUP, own_data.ENTRY_POINT_GROUP, own_study.ENTRY_POINT_GROUP}


READ = """
import json, studies
found = studies.load("results/winners")
print(json.dumps([found.summary["arm"].tolist(), found.figures, found.verdicts]))
"""
WITHOUT = {
    ("show", "winners"): "unknown study 'winners'",
    ("run", "winners"): "unknown study 'winners'",
    ("report", "winners"): "unknown study 'winners'",
    ("verify", "winners"): "unknown study 'winners'",
    ("strategies", "--settings", "clear_winners"): "unknown strategy 'clear_winners'",
    ("run", "quickstart", "--strategies", "clear_winners"): "unknown strategy 'clear_winners'",
    ("run", "quickstart", "--dataset", "rings"): "unknown dataset 'rings'",
}


def test_the_guide_is_followed_word_by_word_with_the_installed_wheels(ours, theirs, tmp_path):
    driver = Driver(tmp_path, PYTHONPATH=os.pathsep.join((str(ours), str(theirs))))
    try:
        # Kernels are compiled anew for another place, which is said.
        compiled = driver.run(program=("-c", COMPILE))
        assert compiled.returncode == 0, compiled.stderr
        (block,) = (block for block in blocks(PAGE) if block.language == "sh")
        install, *lines = block.text.splitlines()
        assert install == "pip install ./my-gates"
        said = {}
        for line in lines:
            program, *arguments = line.split()
            assert program == "python"
            done = driver.run(program=tuple(arguments))
            assert (done.returncode, done.stderr) == (0, ""), f"{line}\n{done.stdout}\n{done.stderr}"
            said[" ".join(arguments[2:])] = " ".join(done.stdout.split())
        assert "winners Whether clear winners are better than random blocks." in said["list"]
        assert "rings: of the installed package my-gates" in said["datasets"]
        assert said["strategies --check clear_winners"].startswith("clear_winners: keeps the protocol")
        assert "warning" not in said["strategies --check clear_winners"]
        assert "Are blocks that win clearly better than random ones?" in said["show winners"]
        assert "all are identical" in said["verify winners"]
        assert "to run: about" in said["run quickstart --dataset rings --strategies clear_winners,reinforce --dry-run"]
        again = said["run winners --scale quick --strategies clear_winners,top_k"]
        assert "6 runs, 3 already done, 3 to run" in again
        numbers = pd.read_csv(driver.results / "winners" / "runs.csv")
        assert set(numbers["arm"]) == {"clear_winners", "top_k"}
        assert numbers["dataset"].str.fullmatch(r"rings@[0-9a-f]{12}").all()
        for place in (driver.results / "winners" / "figures", tmp_path / "paper"):
            assert "clear_winners" in set(pd.read_csv(place / "seeds.csv")["arm"])
        assert r"clear\_winners" in (driver.results / "winners" / "tables" / "summary.tex").read_text("utf-8")
        assert "Are blocks that win clearly" in (driver.results / "winners" / "report.html").read_text("utf-8")
    finally:
        driver.end()
    (tmp_path / "tmp").rmdir()
    _check_without(ours, tmp_path)


def _check_without(ours: Path, folder: Path) -> None:
    """Check what is said where the package is not installed any more, and that its results can be read all the same."""
    driver = Driver(folder, PYTHONPATH=str(ours))
    try:
        before = driver.files("winners")
        for arguments, message in WITHOUT.items():
            done = driver.run(*arguments)
            assert done.returncode == 2, arguments
            (line,) = done.stderr.splitlines()
            assert message in line
        read = driver.run(program=("-c", READ))
        assert read.returncode == 0, read.stderr
        arms, figures, verdicts = json.loads(read.stdout)
        assert arms == ["clear_winners", "top_k"]
        assert "seeds" in figures
        assert verdicts == []
        assert driver.files("winners") == before
    finally:
        driver.end()


def test_the_line_about_packages_of_the_same_name_is_the_one_that_is_said(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("mine = 1\n", "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "studies", "list"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = (block.text for block in blocks(PAGE) if "another package" in block.text)
    assert line.replace("/home/me", str(tmp_path)).strip() in done.stderr
