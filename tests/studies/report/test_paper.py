"""The document of the guide: what it includes is what the commands write, and LaTeX makes pages of it."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from studies.design import Search
from studies.report.latex import latex_table
from studies.results.tables import STANDARD
from tests.docs.markdown import ROOT, blocks, file_of
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

GUIDE = ROOT / "docs" / "guides" / "results.md"
LATEX = shutil.which("pdflatex")
NASTY = 'a_b & 50 % #1 ~ ^ \\ {x} $y$ <z> | "q" τ λ µ ≤ ≈ ↓ − – “ok” é ß'

needs_latex = pytest.mark.skipif(LATEX is None, reason="needs pdflatex")


def included() -> set[str]:
    """The files that the document of the guide includes."""
    document = file_of("paper.tex")
    tables = re.findall(r"\\input\{(.+?)\}", document)
    return {*(f"{name}.tex" for name in tables), *re.findall(r"\\includegraphics\{(.+?)\}", document)}


def typeset(folder: Path, name: str) -> str:
    """Make pages of a document, and return what LaTeX has logged."""
    assert LATEX is not None
    done = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "-halt-on-error", name],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
    return (folder / name).with_suffix(".log").read_text("utf-8", "replace")


@pytest.fixture
def written(command, scheduler, tmp_path: Path) -> Path:
    """A folder in which the commands of the guide for its document were followed."""
    assert command.study("--seeds", "3", chosen="small_dense,reinforce,straight_through").code == 0
    (tmp_path / "theirs.csv").write_text(file_of("theirs.csv").replace("mnist_5k", "digits"), "utf-8")
    (block,) = (block for block in blocks(GUIDE) if block.language == "sh" and "pdflatex" in block.text)
    *lines, last = block.text.splitlines()
    assert last == "pdflatex paper.tex"
    for line in lines:
        _, _, _, *arguments = line.split()
        done = command(*arguments)
        assert (done.code, done.err) == (0, ""), line
    (tmp_path / "paper.tex").write_text(file_of("paper.tex"), "utf-8")
    return tmp_path


@pytest.mark.slow
def test_every_file_that_the_document_includes_is_written(written):
    assert included()
    assert [name for name in sorted(included()) if not (written / name).is_file()] == []


@needs_latex
@pytest.mark.slow
def test_the_document_becomes_pages_on_which_everything_has_room(written):
    log = typeset(written, "paper.tex")
    assert "Overfull" not in log
    assert "LaTeX Warning: File" not in log
    assert (written / "paper.pdf").read_bytes().startswith(b"%PDF")


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("columns", ["", "twocolumn"])
def test_every_table_becomes_pages_whatever_arms_are_called(tmp_path, columns):
    design = design_of(
        "dense",
        "small_dense",
        "reinforce",
        "random_blocks",
        datasets=("digits", "mnist1d"),
        densities=(0.25, 0.5),
        search=Search(points=2, searches=3),
        test_split="fixed",
    )
    results = results_of(design, random_record())
    renamed = {
        name: getattr(results, name).replace({"arm": {"reinforce": NASTY}})
        for name in ("summary", "contrasts", "optimism", "winners", "overall", "hypervolumes", "looks")
    }
    results = replace(results, **{name: table for name, table in renamed.items() if "arm" in table})
    names = []
    for table in STANDARD:
        numbers = table.numbers(results)
        if "paper" not in table.outputs or numbers.empty:
            continue
        source = latex_table(table, numbers, table.full_caption(results, numbers, "paper"))
        (tmp_path / f"{table.name}.tex").write_text(source, "utf-8")
        names.append(table.name)
    assert {"summary", "contrasts", "optimism", "winners"} <= set(names)
    inputs = "\\clearpage\n".join(f"\\input{{{name}}}\n" for name in names)
    head = f"\\documentclass[{columns}]{{article}}\n\\usepackage{{booktabs,graphicx}}\n"
    (tmp_path / "all.tex").write_text(f"{head}\\begin{{document}}\n{inputs}\\end{{document}}\n", "utf-8")
    assert "Overfull" not in typeset(tmp_path, "all.tex")
