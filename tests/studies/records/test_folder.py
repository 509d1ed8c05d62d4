import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from core.errors import InputError
from studies.records.folder import Frozen, ResultsFolder
from tests.support.records import design_of, this_environment


def frozen_in(results: Path, study: str = "quickstart") -> tuple[ResultsFolder, Path]:
    """A folder with a frozen study, and the file that holds it."""
    folder = ResultsFolder(results, study)
    folder.freeze(Frozen(design_of(study=study), {"python": "3"}))
    return folder, folder.path / "study.json"


def rewrite(path: Path, **design: Any) -> None:
    """Change entries of the design in a file, and nothing else."""
    content = json.loads(path.read_text("utf-8"))
    content["design"]["sweep"] |= design
    path.write_text(json.dumps(content), "utf-8")


def test_a_frozen_design_comes_back(tmp_path):
    design = design_of(densities=(0.25, 0.5), strategy_settings={"reinforce": {"baseline": "none"}})
    folder = ResultsFolder(tmp_path, "quickstart")
    folder.freeze(Frozen(design, this_environment()))
    assert folder.frozen() == Frozen(design, this_environment())


def test_what_an_environment_does_not_say_was_not_there_to_be_found(tmp_path):
    folder, _ = frozen_in(tmp_path)
    environment = folder.frozen().environment
    assert environment.keys() == this_environment().keys()
    assert environment["python"] == "3"
    assert environment["gpu"] is None


def test_the_file_holds_design_hash_and_environment(tmp_path):
    design = design_of()
    ResultsFolder(tmp_path, "quickstart").freeze(Frozen(design, {"python": "3"}))
    content = json.loads((tmp_path / "quickstart" / "study.json").read_text("utf-8"))
    assert content["design_hash"] == design.design_hash
    assert content["design"]["sweep"]["strategies"] == ["dense", "reinforce"]
    assert content["environment"] == {"python": "3"}


def test_a_study_never_run_says_how_to_run_it(tmp_path):
    with pytest.raises(InputError, match="python -m studies run quickstart"):
        ResultsFolder(tmp_path, "quickstart").frozen()
    assert not list(tmp_path.iterdir())


def test_where_runs_are_from_comes_back(tmp_path):
    folder = ResultsFolder(tmp_path, "quickstart")
    folder.freeze(Frozen(design_of(), {"python": "3"}, ("All 6 runs are from one code.",)))
    assert folder.frozen().runs == ("All 6 runs are from one code.",)


@pytest.mark.parametrize(
    "damaged",
    [
        *("", "{", "[]", "{}", "null", "7", '{"design": {}}', '{"design": 3, "environment": {}}', "[" * 100_000),
        '{"design": "\\u001b[31m", "environment": {}}',
    ],
    ids=lambda text: text[:40],
)
def test_a_damaged_file_is_named(tmp_path, damaged):
    path = tmp_path / "quickstart" / "study.json"
    path.parent.mkdir()
    path.write_text(damaged, "utf-8")
    with pytest.raises(InputError, match=r"study\.json: not a readable study") as caught:
        ResultsFolder(tmp_path, "quickstart").frozen()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("missing", ["design", "design_hash", "environment"])
def test_a_file_without_a_part_is_named(tmp_path, missing):
    folder, path = frozen_in(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    del content[missing]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match=rf"study\.json: not a readable study: KeyError: '{missing}'"):
        folder.frozen()


def test_a_file_of_before_that_does_not_say_where_runs_are_from_is_read(tmp_path):
    folder, path = frozen_in(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    del content["runs"]
    path.write_text(json.dumps(content), "utf-8")
    assert folder.frozen().runs == ()


@pytest.mark.parametrize("changes", [{"alpha": 0.2}, {"delta": 0.2}, {"seeds": 2}, {"root_seed": 1}], ids=str)
def test_a_design_that_was_changed_is_refused_with_what_to_do(tmp_path, changes):
    folder, path = frozen_in(tmp_path)
    before = folder.frozen().design.design_hash
    rewrite(path, **changes)
    with pytest.raises(InputError) as caught:
        folder.frozen()
    assert str(caught.value).startswith(f"{path}: was changed: its design has the hash ")
    assert f"not {before} as it says; python -m studies run quickstart, with the options" in str(caught.value)


def test_a_hash_that_was_changed_is_refused(tmp_path):
    folder, path = frozen_in(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "design_hash": "0123456789abcdef"}), "utf-8")
    with pytest.raises(InputError, match=r"study\.json: was changed: .* not 0123456789abcdef as it says"):
        folder.frozen()


def test_the_folder_of_another_study_is_refused(tmp_path):
    _, path = frozen_in(tmp_path)
    path.parent.rename(tmp_path / "sanity")
    with pytest.raises(InputError, match=r"study\.json: is of the study 'quickstart', expected 'sanity'; python"):
        ResultsFolder(tmp_path, "sanity").frozen()


def test_whoever_takes_the_lock_clears_up_what_killed_writers_left(tmp_path):
    folder, path = frozen_in(tmp_path)
    left = [folder.path / ".study.abcd1234.part.json", folder.path / "runs" / ".0123456789abcdef.abcd1234.part.json"]
    left[1].parent.mkdir()
    for file in left:
        file.write_text("{", "utf-8")
    with folder.locked():
        assert path.exists()
        assert not any(file.exists() for file in left)


def test_what_another_driver_is_writing_is_left_alone(tmp_path):
    folder, _ = frozen_in(tmp_path)
    unfinished = folder.path / ".study.abcd1234.part.json"
    unfinished.write_text("{", "utf-8")
    with (
        FileLock(folder.path / ".lock"),
        pytest.raises(InputError, match="another run is writing there"),
        folder.locked(),
    ):
        pass
    assert unfinished.exists()


@pytest.mark.parametrize("place", ["results", "results/quickstart"])
def test_a_file_in_the_folders_place_is_named(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("mine", "utf-8")
    folder = ResultsFolder(tmp_path / "results", "quickstart")
    with pytest.raises(InputError, match="cannot be made a folder"), folder.locked():
        pass
    with pytest.raises(InputError, match="python -m studies run quickstart makes it"):
        folder.frozen()
    assert (tmp_path / place).read_text("utf-8") == "mine"
