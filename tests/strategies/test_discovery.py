import importlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import strategies
from core.errors import InputError
from core.strategy import Strategy
from strategies import ENTRY_POINT_GROUP, Plugin, built_in, find, names, read_plugin, source_hash

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
# An exception whose message cannot be had, and an object that cannot be shown.
SILENT = "class Silent(Exception):\n    def __str__(self):\n        return 5\n"
UNSEEN = "class Unseen:\n    def __repr__(self):\n        return str(1 / 0)\n"


def idea(body: str) -> str:
    """A good plugin with its own idea of its idea."""
    return f"{GOOD}\n    @classmethod\n    def idea(cls):\n        {body}\n"


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
    return read_plugin(path)


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
            read_plugin(tmp_path / file)
        assert str(tmp_path / file) in str(caught.value)

    @pytest.mark.parametrize("name", ["reinforce", "installed"])
    def test_its_name_is_not_taken(self, tmp_path, monkeypatch, name):
        install(monkeypatch, tmp_path, "installed", "somewhere")
        with pytest.raises(InputError, match=f"the name '{name}' belongs to another strategy; rename the file"):
            plugin(tmp_path, name=name)

    def test_it_exists(self, tmp_path):
        with pytest.raises(InputError, match=r"^plugin .*mine\.py: cannot be read: .*No such file"):
            read_plugin(tmp_path / "mine.py")

    def test_it_is_text(self, tmp_path):
        (tmp_path / "mine.py").write_bytes(b"\xff\xfe")
        with pytest.raises(InputError, match=r"^plugin .*mine\.py: cannot be read: .*utf-8"):
            read_plugin(tmp_path / "mine.py")


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
            (f"{GOOD}\n    needs = 5\n", r"needs is 5, expected a frozenset of samples"),
            (f"{GOOD}\n    needs = 'flips'\n", r"needs is 'flips', expected a frozenset of samples"),
            (f"{GOOD}\n    needs = {{'labels'}}\n", r"unknown need 'labels'"),
            (f"{GOOD}\n    needs = [[]]\n", r"unknown need '\[\]'"),
            (f"{GOOD}\n    gated = {{...}}\n", r"gated is \{Ellipsis\}, expected True or False"),
            (f"{GOOD}\n    gated = 1\n", r"gated is 1, expected True or False"),
            (idea("raise KeyError('no idea')"), r"idea\(\) fails: KeyError: 'no idea'"),
            (idea("raise SystemExit(3)"), r"idea\(\) fails: SystemExit: 3"),
            (idea("return 5"), r"idea\(\) returned int, expected a string"),
            (
                f"from core.space import Choice\n{GOOD}    space = {{'a': Choice('x', ('x',), when={{'b': (1,)}})}}\n",
                r"space: unknown setting on which a depends 'b'",
            ),
            (idea("return ''"), r"Mine lacks a docstring, whose first line is its idea"),
            (f"{SILENT}raise Silent\n", r"fails to import: Silent: its message cannot be printed"),
            (f"{SILENT}{idea('raise Silent')}", r"idea\(\) fails: Silent: its message cannot be printed"),
            (f"{UNSEEN}{GOOD}\n    needs = Unseen()\n", r"cannot be looked at: ZeroDivisionError: division by zero"),
            (f"{UNSEEN}{GOOD}\n    gated = Unseen()\n", r"cannot be looked at: ZeroDivisionError: division by zero"),
            ("raise SystemExit(3)", r"fails to import: SystemExit: 3"),
            ("raise GeneratorExit", r"fails to import: GeneratorExit"),
            ("raise ValueError", r"fails to import: ValueError"),
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


def beside(directory: Path, **modules: str) -> None:
    """Write modules beside a plugin; ``__`` in a name is a folder."""
    for name, text in modules.items():
        path = directory / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


class TestModulesBesideAPlugin:
    def test_it_imports_them_and_what_they_import(self, tmp_path):
        beside(
            tmp_path, scores_of_mine="from deeper_of_mine import DEEP\nSCORE = DEEP + 1\n", deeper_of_mine="DEEP = 41"
        )
        found = plugin(tmp_path, f"from scores_of_mine import SCORE\n{GOOD}\n    score = SCORE\n")
        assert [name for name, _ in found.beside] == ["deeper_of_mine", "scores_of_mine"]
        assert vars(find("mine", (found,)))["score"] == 42

    def test_it_imports_packages_with_their_own_imports(self, tmp_path):
        beside(tmp_path, gates_of_mine__scores="SCORE = 42\n", gates_of_mine__deeper="from .scores import SCORE\n")
        (tmp_path / "gates_of_mine" / "__init__.py").write_text("from gates_of_mine import deeper\n")
        text = f"import gates_of_mine.deeper\n{GOOD}\n    score = gates_of_mine.deeper.SCORE\n"
        assert vars(find("mine", (plugin(tmp_path, text),)))["score"] == 42

    def test_it_imports_them_when_it_gets_there(self, tmp_path):
        beside(tmp_path, scores_of_mine="import deeper_of_mine\nCALLS = []\n", deeper_of_mine="")
        late = f"{GOOD}\n    def late(self):\n        import scores_of_mine\n        return scores_of_mine\n"
        found: Any = find("mine", (plugin(tmp_path, late),))
        module = found.late(None)
        assert module.CALLS == []
        assert found.late(None) is module

    def test_modules_may_import_each_other(self, tmp_path):
        beside(
            tmp_path,
            one_of_mine="import other_of_mine\nONE = 1\n",
            other_of_mine="import one_of_mine\ndef both():\n    return one_of_mine.ONE + 1\n",
        )
        found = plugin(tmp_path, f"import one_of_mine\nfrom other_of_mine import both\n{GOOD}\n    score = both()\n")
        assert vars(find("mine", (found,)))["score"] == 2

    def test_nobody_else_sees_them(self, tmp_path):
        beside(tmp_path, scores_of_mine="SCORE = 42\n")
        before = list(sys.meta_path)
        find("mine", (plugin(tmp_path, f"import scores_of_mine\n{GOOD}"),))
        assert "scores_of_mine" not in sys.modules
        assert sys.meta_path == before
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("scores_of_mine")

    def test_two_plugins_have_modules_of_the_same_name(self, tmp_path):
        plugins = []
        for number, name in enumerate(("mine", "yours")):
            folder = tmp_path / name
            folder.mkdir()
            beside(folder, scores_of_mine=f"SCORE = {number}\n")
            late = "\n    def late(self):\n        import scores_of_mine\n        return scores_of_mine.SCORE\n"
            plugins.append(plugin(folder, f"import scores_of_mine\n{GOOD}{late}", name=name))
        found: list[Any] = [find(name, tuple(plugins)) for name in ("mine", "yours")]
        assert [strategy.late(None) for strategy in found] == [0, 1]

    @pytest.mark.parametrize("name", ["numpy", "json", "pytest"])
    def test_one_that_has_the_name_of_a_module_in_use_is_refused(self, tmp_path, name):
        importlib.import_module(name)
        beside(tmp_path, **{name: "SCORE = 42\n"})
        with pytest.raises(InputError) as caught:
            find("mine", (plugin(tmp_path, f"import {name}\n{GOOD}"),))
        assert str(caught.value).startswith(f"plugin {tmp_path / 'mine.py'}: {name}")
        assert str(caught.value).endswith("rename it")
        assert sys.modules[name] is importlib.import_module(name)

    @pytest.mark.parametrize("name", ["core", "strategies", "studies", "kernels"])
    def test_ours_are_ours(self, tmp_path, name):
        beside(tmp_path, **{name: "raise AssertionError\n"})
        found = plugin(tmp_path, f"import {name}\n{GOOD}")
        assert found.beside == ()
        assert find("mine", (found,)).name() == "mine"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("raise ValueError('two\\nlines')", "fails to import: ValueError: two"),
            ("def broken(:", "fails to import: SyntaxError: invalid syntax"),
            (
                "import not_installed_anywhere",
                "fails to import: ModuleNotFoundError: No module named 'not_installed_any",
            ),
            ("raise SystemExit(3)", "fails to import: SystemExit: 3"),
        ],
    )
    def test_a_broken_one_is_one_line_and_is_read_again_once_mended(self, tmp_path, text, message):
        beside(tmp_path, scores_of_mine=text)
        broken = plugin(tmp_path, f"import scores_of_mine\n{GOOD}")
        for _ in range(2):
            with pytest.raises(InputError) as caught:
                find("mine", (broken,))
            assert str(caught.value).startswith(f"plugin {tmp_path / 'mine.py'}: {message}")
            assert "\n" not in str(caught.value)
        assert "scores_of_mine" not in sys.modules
        beside(tmp_path, scores_of_mine="")
        assert find("mine", (plugin(tmp_path, f"import scores_of_mine\n{GOOD}"),)).name() == "mine"

    def test_one_that_cannot_be_read_is_named_with_the_plugin(self, tmp_path):
        (tmp_path / "scores_of_mine.py").write_bytes(b"\xff\xfe")
        with pytest.raises(InputError, match=r"^plugin .*mine\.py: cannot be read: .*utf-8"):
            plugin(tmp_path, f"import scores_of_mine\n{GOOD}")

    def test_one_that_changes_is_another_plugin(self, tmp_path):
        text = f"from scores_of_mine import SCORE\n{GOOD}\n    score = SCORE\n"
        hashes = []
        for score in (1, 2):
            beside(tmp_path, scores_of_mine=f"SCORE = {score}\n")
            read = plugin(tmp_path, text)
            hashes.append(source_hash("mine", (read,)))
            assert vars(find("mine", (read,)))["score"] == score
        assert hashes[0] != hashes[1]

    def test_they_travel_as_text(self, tmp_path):
        """As to a worker: in another process, where the files are not, nor their folder."""
        here = tmp_path / "here"
        here.mkdir()
        beside(here, scores_of_mine="import deeper_of_mine\n", deeper_of_mine="DEEP = 42\n")
        late = "\n    def late(self):\n        import deeper_of_mine\n        return deeper_of_mine.DEEP\n"
        sent = json.dumps(asdict(plugin(here, f"import scores_of_mine\n{GOOD}{late}")))
        shutil.rmtree(here)
        program = (
            "import json, sys, strategies\n"
            "plugin = strategies.Plugin.from_dict(json.loads(sys.argv[1]))\n"
            "found = strategies.find('mine', (plugin,))\n"
            "print(found.idea(), found.late(None), plugin.source_hash)\n"
        )
        root = Path(strategies.__file__).parent.parent
        environment = {**os.environ, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, sent],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        expected = Plugin.from_dict(json.loads(sent)).source_hash
        assert (done.stdout, done.stderr) == (f"One idea. 42 {expected}\n", "")


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
