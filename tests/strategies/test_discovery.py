import importlib
import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import strategies
from core.errors import InputError
from core.strategy import Strategy
from strategies import ENTRY_POINT_GROUP, Plugin, built_in, find, names, source_hash

IMPORTS = """
from core.parts.gates import open_all
from core.strategy import Strategy
"""
METHODS = """
    def objective(self, batch):
        done = batch(open_all)
        return done.mean_loss(), done

    def infer(self, batch):
        return batch(open_all)
"""
ATTRIBUTES = """
    source = "nowhere"
    family = "control"
"""
GOOD = f'{IMPORTS}\nclass Mine(Strategy):\n    """One idea."""\n{ATTRIBUTES}{METHODS}'


@pytest.fixture(autouse=True)
def forget():
    """Forget the modules that a test imported."""
    yield
    for name in list(sys.modules):
        if name.startswith("gating_studies_plugin.") or name.endswith("_gater"):
            del sys.modules[name]


def plugin(directory: Path, text: str = GOOD, name: str = "mine") -> Plugin:
    path = directory / f"{name}.py"
    path.write_text(text)
    return Plugin.read(path)


class TestThisPackage:
    def test_names_are_the_files(self):
        files = {path.stem for path in Path(strategies.__file__).parent.glob("*.py")} - {"__init__"}
        assert set(built_in()) == files
        assert built_in() == sorted(files)
        assert {"dense", "reinforce"} <= set(names())

    @pytest.mark.parametrize("name", built_in())
    def test_a_strategy_is_found_by_its_files_stem(self, name):
        found = find(name)
        assert issubclass(found, Strategy)
        assert found.__module__ == f"strategies.{name}"
        assert found.name() == name
        assert source_hash(name) == ""

    def test_an_unknown_name_suggests_the_nearest(self):
        with pytest.raises(InputError, match=r"^unknown strategy 'reinforc': did you mean 'reinforce'\? \(known: "):
            find("reinforc")

    def test_an_unknown_name_suggests_plugins_too(self, tmp_path):
        with pytest.raises(InputError, match=r"did you mean 'mine'\?"):
            find("mime", (plugin(tmp_path),))


class TestReadingAPlugin:
    def test_it_is_named_by_its_stem_and_holds_its_text(self, tmp_path):
        found = plugin(tmp_path)
        assert found == Plugin("mine", str(tmp_path / "mine.py"), GOOD)

    @pytest.mark.parametrize("file", ["mine.txt", "mine", "my-gater.py", "1st.py"])
    def test_it_is_a_python_file_with_a_stem_that_can_name_a_strategy(self, tmp_path, file):
        (tmp_path / file).write_text(GOOD)
        with pytest.raises(InputError, match=r"expected a Python file whose stem can name a strategy") as caught:
            Plugin.read(tmp_path / file)
        assert str(tmp_path / file) in str(caught.value)

    @pytest.mark.parametrize("name", ["reinforce", "installed"])
    def test_its_name_is_not_taken(self, tmp_path, monkeypatch, name):
        install(monkeypatch, tmp_path, "installed", "somewhere")
        with pytest.raises(InputError, match=f"the name '{name}' belongs to another strategy; rename the file"):
            plugin(tmp_path, name=name)

    def test_it_exists(self, tmp_path):
        with pytest.raises(InputError, match=r"^plugin .*mine\.py: cannot be read: .*No such file"):
            Plugin.read(tmp_path / "mine.py")

    def test_it_is_text(self, tmp_path):
        (tmp_path / "mine.py").write_bytes(b"\xff\xfe")
        with pytest.raises(InputError, match=r"^plugin .*mine\.py: cannot be read: .*utf-8"):
            Plugin.read(tmp_path / "mine.py")


class TestLoadingAPlugin:
    def test_it_is_found_by_its_name(self, tmp_path):
        found = find("mine", (plugin(tmp_path, name="other"), plugin(tmp_path)))
        assert found.name() == "mine"
        assert found.idea() == "One idea."
        assert issubclass(found, Strategy)

    def test_it_is_loaded_once_and_again_when_its_text_changes(self, tmp_path):
        first = find("mine", (plugin(tmp_path),))
        assert find("mine", (plugin(tmp_path),)) is first
        changed = find("mine", (plugin(tmp_path, GOOD.replace("One idea", "Another idea")),))
        assert changed.idea() == "Another idea."

    def test_its_hash_is_that_of_its_text(self, tmp_path):
        first, same = (source_hash("mine", (plugin(tmp_path),)) for _ in range(2))
        changed = source_hash("mine", (plugin(tmp_path, GOOD + "\n# changed\n"),))
        assert first == same != changed
        assert first
        assert changed

    def test_it_does_not_take_the_place_of_an_installed_module(self, tmp_path):
        found = find("json", (plugin(tmp_path, name="json"),))
        assert found.name() == "json"
        assert sys.modules["json"] is json
        assert importlib.import_module("json").loads("[1]") == [1]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("def broken(:\n", r"fails to import: SyntaxError: invalid syntax"),
            (
                "import not_installed_anywhere",
                r"fails to import: ModuleNotFoundError: No module named 'not_inst",
            ),
            ("raise ValueError('two\\nlines')", r"fails to import: ValueError: two$"),
            ("", r"defines 0 subclasses of core\.strategy\.Strategy, expected exactly 1"),
            (IMPORTS, r"defines 0 subclasses"),
            (GOOD + GOOD.replace("Mine", "Yours"), r"defines 2 subclasses"),
            (GOOD.replace("def infer", "def predict"), r"Mine lacks infer$"),
            (GOOD.replace(METHODS, ""), r"Mine lacks infer, objective$"),
            (GOOD.replace('source = "nowhere"', ""), r"Mine lacks the class attribute 'source', a string"),
            (GOOD.replace('"nowhere"', "7"), r"Mine lacks the class attribute 'source', a string"),
            (GOOD.replace('family = "control"', ""), r"Mine lacks the class attribute 'family', a string"),
            (GOOD.replace('"""One idea."""', ""), r"Mine lacks a docstring, whose first line is its idea"),
        ],
    )
    def test_what_is_wrong_with_it_is_one_line_that_names_the_file(self, tmp_path, text, message):
        broken = plugin(tmp_path, text)
        for _ in range(2):
            with pytest.raises(InputError, match=message) as caught:
                find("mine", (broken,))
            assert str(caught.value).startswith(f"plugin {tmp_path / 'mine.py'}: ")
            assert "\n" not in str(caught.value)

    def test_one_that_failed_is_read_again_once_mended(self, tmp_path):
        with pytest.raises(InputError, match="fails to import"):
            find("mine", (plugin(tmp_path, "import not_installed_anywhere"),))
        assert find("mine", (plugin(tmp_path),)).name() == "mine"

    def test_a_broken_one_does_not_stand_in_the_way_of_others(self, tmp_path):
        broken = plugin(tmp_path, "def broken(:\n")
        assert find("dense", (broken,)).name() == "dense"


def install(monkeypatch, directory: Path, name: str, module: str, text: str | None = None) -> None:
    """Register an entry point, and put its module on the path."""
    entries = [EntryPoint(name, module, ENTRY_POINT_GROUP)]
    monkeypatch.setattr(strategies, "entry_points", lambda group: entries if group == ENTRY_POINT_GROUP else [])
    if text is not None:
        (directory / f"{module}.py").write_text(text)
        monkeypatch.setattr(sys, "path", [str(directory), *sys.path])
        importlib.invalidate_caches()


class TestInstalledPackages:
    def test_one_is_found_by_its_entry_point(self, tmp_path, monkeypatch):
        install(monkeypatch, tmp_path, "installed_gater", "installed_gater", GOOD)
        assert names() == [*built_in(), "installed_gater"]
        assert find("installed_gater").name() == "installed_gater"

    def test_its_hash_follows_its_source(self, tmp_path, monkeypatch):
        hashes = []
        for name, text in (("first_gater", GOOD), ("second_gater", GOOD), ("third_gater", GOOD + "\n# changed\n")):
            install(monkeypatch, tmp_path, name, name, text)
            hashes.append(source_hash(name))
        assert all(hashes)
        assert hashes[0] == hashes[1] != hashes[2]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("import not_installed_anywhere", "fails to import: ModuleNotFoundError"),
            ("def broken(:\n", "fails to import: SyntaxError"),
            (None, "fails to import: ModuleNotFoundError: No module named 'broken_gater'"),
            ("", "defines 0 subclasses"),
            (GOOD.replace("def infer", "def predict"), "Mine lacks infer"),
        ],
    )
    def test_a_broken_one_is_one_line_that_names_the_entry_point(self, tmp_path, monkeypatch, text, message):
        install(monkeypatch, tmp_path, "broken_gater", "broken_gater", text)
        with pytest.raises(InputError, match=message) as caught:
            find("broken_gater")
        assert str(caught.value).startswith(f"entry point {ENTRY_POINT_GROUP}:broken_gater (broken_gater): ")
        assert "\n" not in str(caught.value)

    def test_one_cannot_replace_a_strategy_of_this_package(self, tmp_path, monkeypatch):
        install(monkeypatch, tmp_path, "dense", "dense_of_others", GOOD)
        assert names() == built_in()
        assert find("dense").__module__ == "strategies.dense"
