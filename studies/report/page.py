"""Everything derived from a finished study: tables, figures, and one self-contained page."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jinja2
import pandas as pd

from studies.formatting import points, share
from studies.records.files import write_atomically
from studies.records.folder import Frozen, ResultsFolder
from studies.records.stamp import Stamp
from studies.report.caveats import caveats
from studies.report.drawing.figure import FORMATS, Figure
from studies.report.drawing.venue import VENUES, Venue
from studies.report.latex import latex_table
from studies.report.presentation import Presentation
from studies.report.sentences import count_verdicts, sentences
from studies.results import Results, origin
from studies.results.contrasts import intervals, share_that_matters
from studies.results.table import Table
from studies.results.tables import STANDARD

_TEMPLATE = "page.html.jinja"


def write_report(
    folder: ResultsFolder, results: Results, presentation: Presentation, question: str, source: str
) -> Path:
    """Write tables, figures and ``report.html`` of a finished study, and last their stamp; return the page.

    What an earlier report wrote and this one does not is deleted, and nothing else.

    Args:
        folder: of the study; the caller holds its lock.
        results: of the study.
        presentation: what is shown of it.
        question: what the study asks.
        source: whose question that is.

    Raises:
        InputError: the study has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen()
    earlier = Stamp.read(folder.path)
    # Whoever is interrupted from here on leaves a stamp that names all there may be, so that the next one can clear up.
    touched = {*(earlier.files if earlier is not None else ()), *_names(presentation)}
    Stamp.unfinished(touched).write(folder.path)
    frozen = replace(frozen, runs=tuple(origin.sentences(results.all_records)))
    folder.freeze(frozen)
    tables, files = _write_tables(folder, presentation, results)
    pictures = write_figures(folder, presentation.figures, results, FORMATS)
    files += pictures
    drawn = [path for path in pictures if path.suffix == f".{FORMATS[0]}"]
    files += [path.with_suffix(beside) for path in drawn for beside in (".csv", ".txt")]
    page = folder.path / "report.html"
    write_atomically(page, _page(frozen, presentation, question, source, results, tables, pictures))
    # The study too: whoever changes it changes what all of this is of.
    files += [page, folder.path / "study.json"]
    for name in touched - {str(path.relative_to(folder.path)) for path in files}:
        (folder.path / name).unlink(missing_ok=True)
    Stamp.of(frozen.design.design_hash, results.all_records, folder.path, files).write(folder.path)
    return page


def _names(presentation: Presentation) -> set[str]:
    """Return all files that a report may write, by their paths in the study's folder."""
    tables = {f"tables/{table.name}.tex" for table in (*STANDARD, *presentation.tables)}
    tables |= {f"{table.name}.csv" for table in STANDARD} | {
        f"tables/{table.name}.csv" for table in presentation.tables
    }
    endings = ("csv", "txt", *FORMATS)
    figures = {f"figures/{figure.name}.{ending}" for figure in presentation.figures for ending in endings}
    return tables | figures | {"report.html"}


def _write_tables(
    folder: ResultsFolder, presentation: Presentation, results: Results
) -> tuple[list[tuple[Table, pd.DataFrame]], list[Path]]:
    """Write every table that has something to show, as CSV and for papers.

    Returns:
        The tables in the order of the page, and the files.
    """
    written: list[tuple[Table, pd.DataFrame]] = []
    files: list[Path] = []
    sources = folder.path / "tables"
    summary, *others = STANDARD
    for table in (summary, *presentation.tables, *others):
        numbers = table.numbers(results)
        csv = (folder.path if table in STANDARD else sources) / f"{table.name}.csv"
        if numbers.empty:
            continue
        files += write_table(table, numbers, results, csv, sources / f"{table.name}.tex")
        written.append((table, numbers))
    return written, files


def write_table(table: Table, numbers: pd.DataFrame, results: Results, csv: Path, paper: Path) -> list[Path]:
    """Write the numbers of a table as CSV and, if it is for papers, the table in LaTeX; return the files."""
    write_atomically(csv, numbers.to_csv(index=False, lineterminator="\n"))
    if "paper" not in table.outputs:
        return [csv]
    write_atomically(paper, latex_table(table, numbers, table.full_caption(results, numbers, "paper")))
    return [csv, paper]


def write_figures(
    folder: ResultsFolder,
    figures: Sequence[Figure],
    results: Results,
    formats: Sequence[str],
    venue: Venue = VENUES["default"],
    pictures: Path | None = None,
) -> list[Path]:
    """Write every figure that has something to show, and its numbers; return the pictures.

    They are written to the study's own folder unless ``pictures`` is another.
    """
    pictures = folder.path / "figures" if pictures is None else pictures
    return [path for figure in figures for path in figure.write(results, pictures, formats, venue)]


def _page(
    frozen: Frozen,
    presentation: Presentation,
    question: str,
    source: str,
    results: Results,
    tables: Sequence[tuple[Table, pd.DataFrame]],
    pictures: Sequence[Path],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"points": points, "share": share}
    runs = results.all_runs
    vectors = {picture.stem: picture for picture in pictures if picture.suffix == ".svg"}
    return environment.get_template(_TEMPLATE).render(
        name=frozen.design.study,
        question=question,
        source=source,
        frozen=frozen.design,
        environment=frozen.environment,
        made=frozen.runs,
        protocol=results.protocol,
        matters=share_that_matters(results),
        verdicts=sentences(results.contrasts),
        verdict_counts=count_verdicts(results.contrasts),
        caveats=caveats(frozen.design, results),
        intervals=intervals(results),
        networks=results.summary["network"].unique(),
        densities=results.summary["target_density"].unique(),
        tables=[
            (
                table,
                table.shown(numbers, "page"),
                table.cells(numbers, "page"),
                table.full_caption(results, numbers, "page"),
            )
            for table, numbers in tables
            if "page" in table.outputs
        ],
        runs=len(runs),
        failures=runs[runs["status"] != "ok"].to_dict("records"),
        figures=[
            (figure.title, figure.caption(results), _embedded(vectors[figure.name]))
            for figure in presentation.figures
            if figure.name in vectors
        ],
    )


def _embedded(path: Path) -> str:
    """Return a picture as a data URL, so that the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
