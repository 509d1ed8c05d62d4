"""Packages of the same name as ours, in the folder that Python was started in or installed, are named in one line."""

from pathlib import Path

import pytest

from tests.support.driver import python


def said(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    done = python(folder, *arguments)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("name", ["kernels", "core", "strategies"])
@pytest.mark.parametrize("form", ["package", "module", "namespace"])
def test_a_namesake_is_named_in_one_line(tmp_path, name, form):
    if form == "module":
        (tmp_path / f"{name}.py").write_text("mine = 1\n")
    else:
        (tmp_path / name).mkdir()
        (tmp_path / name / ("__init__.py" if form == "package" else "other.py")).write_text("mine = 1\n")
    code, lines = said(tmp_path, "-m", "studies", "list")
    if form == "namespace":
        # A folder without __init__.py hides nothing.
        assert (code, lines) == (0, [])
        return
    assert code != 0
    (line,) = lines
    assert f"another package named {name!r} hides that of Gating Studies" in line
    assert str(tmp_path / name) in line


def test_in_python_it_is_an_import_error(tmp_path):
    (tmp_path / "core.py").write_text("mine = 1\n")
    program = "try:\n    import studies\nexcept ImportError as error:\n    raise SystemExit(str(error))\n"
    code, lines = said(tmp_path, "-c", program)
    assert code == 1
    assert lines[-1].startswith("another package named 'core' hides that of Gating Studies")
