"""A study is gone when its file or folder, its page and its tests are: nothing else depends on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What knows of all studies by going through the catalogue.
OTHERS = (
    "tests/test_architecture.py",
    "tests/docs/test_pages.py",
    "tests/studies/catalogue/test_catalogue.py",
    "tests/studies/design",
    "tests/studies/cli/test_help.py",
)
FOLDERS = ("kernels", "core", "strategies", "studies", "tests", "docs")
FILES = ("README.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", "mkdocs.yml", "conftest.py")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("study", ["teachers", "sanity"])
def test_without_a_study_all_other_tests_pass(study, tmp_path):
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    deleted = [
        path
        for folder in ("studies/catalogue", "docs/studies", "tests/studies/catalogue")
        for path in (tmp_path / folder).iterdir()
        if path.stem.removeprefix("test_") == study
    ]
    # A file or folder, its page, and its tests.
    assert len(deleted) >= 3
    for path in deleted:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = subprocess.run(
        # Other pages may speak of the study, and whoever deletes it mends them.
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not a_page_", *OTHERS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
