"""Studies from outside the catalogue: a file, a folder, an installed package; and what is said of broken ones."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from studies import catalogue
from studies.own import study as own_study

TEXT = '''"""What a file of mine asks."""

from studies.design import Primary, Study, Sweep

SWEEP = Sweep(seeds=2, strategies=("reinforce",), datasets=("digits",), networks=("8x2",), training={"epochs": 2})
STUDY = Study(question="Is it so?", source="mine", scales={"default": SWEEP})
'''


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    monkeypatch.setattr(own_study, "_files", {})
    yield
    for name in [name for name in sys.modules if name.startswith(own_study.PREFIX)]:
        del sys.modules[name]


def written(text: str = TEXT, name: str = "of_mine.py") -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return name


def run(command, study: str, *options: str):
    return command("run", study, "--results", str(command.results), *options)


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_a_file_is_shown_run_and_reported(command):
    path = written()
    assert "Is it so?" in command("show", path).out
    done = run(command, path)
    assert (done.code, done.err) == (0, "")
    assert (command.results / "of_mine" / "report.html").exists()
    for name in ("report", "figures"):
        again = command(name, path, "--results", str(command.results))
        assert (again.code, again.err) == (0, ""), name


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_without_its_file_it_is_unknown_and_the_answer_says_how_to_name_it(command):
    run(command, written())
    own_study._files.clear()
    done = command("report", "of_mine", "--results", str(command.results))
    assert done.code == 2
    assert done.err.endswith("one of your own is named by its file: of_mine.py\n")


def test_a_folder_brings_its_own_figures_and_tables(command):
    written(TEXT, "of_ours/__init__.py")
    written("FIGURES = ()\nTABLES = ('anything',)\n", "of_ours/report.py")
    assert catalogue.named("./of_ours") == "of_ours"
    shown = catalogue.presentation("of_ours", searched=False)
    assert shown.figures == ()
    assert list(map(str, shown.tables)) == ["anything"]


def test_the_same_file_changed_is_read_again(command):
    written()
    assert catalogue.find(catalogue.named("of_mine.py")).question == "Is it so?"
    sys.modules.pop(f"{own_study.PREFIX}.of_mine")
    written(TEXT.replace("Is it so?", "Is it not?"))
    assert catalogue.find(catalogue.named("of_mine.py")).question == "Is it not?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (", "of_mine.py: line 1: invalid syntax"),
        ("\nimport no_such_module", "of_mine.py: line 2: ModuleNotFoundError: No module named 'no_such_module'"),
        (TEXT.replace("seeds", "seed"), "of_mine.py: line 5: TypeError: Sweep.__init__() got an unexpected keyword"),
        (TEXT.replace("STUDY", "STUDIES"), "study of_mine: defines no STUDY, expected a studies.design.Study"),
        ("STUDY = 3", "study of_mine: STUDY is of type int, expected"),
        (TEXT.replace('source="mine"', "source=3"), "study of_mine: source is 3, expected words"),
        (TEXT.replace('"Is it so?"', '" "'), "study of_mine: question is ' ', expected words"),
        (TEXT.replace('"default":', '"small":'), "study of_mine: there is no scale 'small'"),
        (TEXT.replace('"default":', '"quick":'), "study of_mine: has no scale 'default'"),
        (TEXT.replace(": SWEEP", ": 3"), "study of_mine: scale 'default' is of type int, expected a Sweep"),
        (TEXT.replace("seeds=2", "seeds=0"), "seeds: 0 is not in 1.."),
    ],
)
def test_a_broken_file_is_one_line_that_says_where(command, scheduler, text, message):
    done = run(command, written(text))
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert scheduler.asked == []
    assert not command.results.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.py", "study missing.py: there is no such file"),
        ("./quickstart.py", "quickstart is a study of this package: rename the file"),
        ("my-study.py", "'my-study' cannot be a study's name"),
    ],
)
def test_a_file_that_cannot_be_a_study_is_named(command, name, message):
    if "missing" not in name:
        written(name=name)
    done = run(command, name)
    assert done.code == 2
    assert message in done.err


def test_a_scale_that_it_does_not_have_is_named(command):
    done = run(command, written(), "--scale", "paper")
    assert (done.code, done.err) == (2, "error: --scale paper: this study has default\n")


class TestPackage:
    @pytest.fixture(autouse=True)
    def installed(self, tmp_path, monkeypatch):
        (tmp_path / "my_lab_studies").mkdir()
        (tmp_path / "my_lab_studies" / "__init__.py").write_text("")
        (tmp_path / "my_lab_studies" / "rooms.py").write_text(TEXT)
        (tmp_path / "my_lab_studies" / "broken.py").write_text("def (")
        entries = [
            EntryPoint(name, f"my_lab_studies.{name}", own_study.ENTRY_POINT_GROUP)
            for name in ("rooms", "broken", "missing")
        ]
        monkeypatch.setattr(own_study, "entry_points", lambda group: entries)
        monkeypatch.syspath_prepend(str(tmp_path))
        yield
        for name in [name for name in sys.modules if name.startswith("my_lab_studies")]:
            del sys.modules[name]

    @pytest.mark.usefixtures("scheduler", "without_figures")
    def test_its_studies_stand_beside_ours(self, command):
        out = command("list").out
        assert "What a file of mine asks." in out
        assert "quickstart" in out
        done = run(command, "rooms")
        assert (done.code, done.err) == (0, "")

    def test_a_broken_one_breaks_no_other(self, command):
        done = command("list")
        assert (done.code, done.err) == (0, "")
        assert "broken.py: cannot be read: invalid syntax" in " ".join(done.out.split())
        assert "What a file of mine asks." in done.out
        for name, message in (("broken", "invalid syntax"), ("missing", "ModuleNotFoundError")):
            failed = run(command, name)
            assert failed.code == 2
            assert message in failed.err
            assert len(failed.err.splitlines()) == 1
