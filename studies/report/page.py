"""Everything derived from a finished study: tables, figures, and one self-contained page."""

import base64
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd

from studies.formatting import points, share
from studies.records.files import write_atomically
from studies.records.folder import Frozen, ResultsFolder
from studies.report.caveats import caveats
from studies.report.drawing.figure import FORMATS, Figure
from studies.report.drawing.venue import VENUES, Venue
from studies.report.latex import latex_table
from studies.report.presentation import Presentation
from studies.report.sentences import count_verdicts, sentences
from studies.results import Results
from studies.results.collecting import collect
from studies.results.table import Table
from studies.results.tables import STANDARD

_TEMPLATE = "page.html.jinja"


def write_report(folder: ResultsFolder, presentation: Presentation, question: str, source: str) -> tuple[Results, Path]:
    """Write tables, figures and ``report.html`` of a finished study; return its results and the page.

    Args:
        folder: of the study.
        presentation: what is shown of it.
        question: what the study asks.
        source: whose question that is.

    Raises:
        InputError: the study has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen()
    results = collect(frozen.design, folder.ledger)
    tables = _write_tables(folder, presentation, results)
    write_figures(folder, presentation.figures, results, FORMATS)
    page = folder.path / "report.html"
    write_atomically(page, _page(folder, frozen, presentation, question, source, results, tables))
    return results, page


def _write_tables(
    folder: ResultsFolder, presentation: Presentation, results: Results
) -> list[tuple[Table, pd.DataFrame]]:
    """Write every table that has something to show, as CSV and for papers; return them in the order of the page."""
    written = []
    sources = folder.path / "tables"
    summary, *others = STANDARD
    for table in (summary, *presentation.tables, *others):
        numbers = table.numbers(results)
        csv = (folder.path if table in STANDARD else sources) / f"{table.name}.csv"
        if numbers.empty:
            csv.unlink(missing_ok=True)
            continue
        write_atomically(csv, numbers.to_csv(index=False, lineterminator="\n"))
        if "paper" in table.outputs:
            write_atomically(
                sources / f"{table.name}.tex",
                latex_table(table, numbers, table.full_caption(results, numbers, "paper")),
            )
        written.append((table, numbers))
    # Tables that only an earlier design had are deleted.
    names = {table.name for table, _ in written}
    for path in sources.iterdir():
        if path.stem not in names:
            path.unlink()
    return written


def write_figures(
    folder: ResultsFolder,
    figures: Sequence[Figure],
    results: Results,
    formats: Sequence[str],
    venue: Venue = VENUES["default"],
) -> list[Path]:
    """Write every figure that has something to show, and its numbers; return the pictures."""
    pictures = folder.path / "figures"
    return [path for figure in figures for path in figure.write(results, pictures, formats, venue)]


def _page(
    folder: ResultsFolder,
    frozen: Frozen,
    presentation: Presentation,
    question: str,
    source: str,
    results: Results,
    tables: Sequence[tuple[Table, pd.DataFrame]],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"points": points, "share": share}
    runs = results.runs
    pictures = ((figure, _picture(folder, figure)) for figure in presentation.figures)
    return environment.get_template(_TEMPLATE).render(
        name=frozen.design.study,
        question=question,
        source=source,
        frozen=frozen.design,
        environment=frozen.environment,
        protocol=results.protocol,
        verdicts=sentences(results.contrasts, results.protocol),
        verdict_counts=count_verdicts(results.contrasts),
        caveats=caveats(frozen.design, results),
        contrasts=len(results.contrasts),
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
        figures=[(figure.title, figure.caption(results), picture) for figure, picture in pictures if picture],
    )


def _picture(folder: ResultsFolder, figure: Figure) -> str:
    """Return the figure as a data URL, so that the page needs no other file; empty if it has nothing to show."""
    path = folder.path / "figures" / f"{figure.name}.svg"
    if not path.exists():
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
