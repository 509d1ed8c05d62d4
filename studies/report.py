"""Everything derived from a finished ledger: tables, figures, and one self-contained page."""

import base64
from collections.abc import Sequence
from pathlib import Path

import jinja2

from studies.aggregate import collect
from studies.figures.figure import FORMATS, Figure
from studies.folder import Frozen, ResultsFolder
from studies.formatting import count, interval, number, percent
from studies.ledger import write_atomically
from studies.results import Results
from studies.study import Study

_TEMPLATE = "report.html.jinja"


def write_report(folder: ResultsFolder, study: Study) -> tuple[Results, Path]:
    """Write tables, figures and ``report.html`` of a finished study; return its results and the page.

    Raises:
        InputError: the study has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen()
    results = collect(frozen.design, folder.ledger)
    for name, table in (("runs", results.runs), ("summary", results.summary)):
        write_atomically(folder.path / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    write_figures(folder, study, results, FORMATS)
    page = folder.path / "report.html"
    write_atomically(page, _page(folder, frozen, study, results))
    return results, page


def write_figures(folder: ResultsFolder, study: Study, results: Results, formats: Sequence[str]) -> list[Path]:
    """Write every figure that has something to show, and its numbers; return the pictures."""
    return [path for figure in study.figures for path in figure.write(results, folder.path / "figures", formats)]


def _page(folder: ResultsFolder, frozen: Frozen, study: Study, results: Results) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": percent, "count": count, "number": number}
    environment.globals["interval"] = interval
    runs = results.runs.to_dict("records")
    pictures = ((figure, _picture(folder, figure)) for figure in study.figures)
    return environment.get_template(_TEMPLATE).render(
        name=frozen.design.study,
        study=study,
        design=frozen.design,
        environment=frozen.environment,
        summary=results.summary.to_dict("records"),
        runs=runs,
        failures=[run for run in runs if run["status"] != "ok"],
        figures=[(figure.title, figure.caption(results), picture) for figure, picture in pictures if picture],
        one_setting=len(results.summary[["dataset", "network", "target_density"]].drop_duplicates()) == 1,
    )


def _picture(folder: ResultsFolder, figure: Figure) -> str:
    """Return the figure as a data URL, so that the page needs no other file; empty if it has nothing to show."""
    path = folder.path / "figures" / f"{figure.name}.svg"
    if not path.exists():
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
