"""Everything derived from a finished ledger: tables, figures, and one self-contained page."""

import base64
from collections.abc import Sequence
from pathlib import Path

import jinja2

from studies.aggregate import collect
from studies.figures.figure import FORMATS, Figure
from studies.figures.venue import VENUES, Venue
from studies.folder import Frozen, ResultsFolder
from studies.formatting import count, interval, number, percent, points, share
from studies.latex import own_table, tables
from studies.ledger import write_atomically
from studies.limits import limits
from studies.results import Results
from studies.study import Study
from studies.verdicts import count_verdicts, sentences

_TEMPLATE = "report.html.jinja"


def write_report(folder: ResultsFolder, study: Study) -> tuple[Results, Path]:
    """Write tables, figures and ``report.html`` of a finished study; return its results and the page.

    Raises:
        InputError: the study has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen()
    results = collect(frozen.design, folder.ledger)
    _write_tables(folder, study, results)
    write_figures(folder, study, results, FORMATS)
    page = folder.path / "report.html"
    write_atomically(page, _page(folder, frozen, study, results))
    return results, page


def _write_tables(folder: ResultsFolder, study: Study, results: Results) -> None:
    """Write every table as CSV, and those for papers as LaTeX; what an earlier design had and this has not goes."""
    optional = {
        "winners": results.winners,
        "optimism": results.optimism,
        "hypervolumes": results.hypervolumes,
        "overall": results.overall,
    }
    always = {"runs": results.runs, "summary": results.summary, "contrasts": results.contrasts}
    for name, table in {**always, **optional}.items():
        path = folder.path / f"{name}.csv"
        if name in optional and table.empty:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, table.to_csv(index=False, lineterminator="\n"))
    sources = {**tables(results), **_own_tables(folder, study, results)}
    for name, source in sources.items():
        write_atomically(folder.path / "tables" / f"{name}.tex", source)
    for path in (folder.path / "tables").iterdir():
        if path.stem not in sources:
            path.unlink()


def _own_tables(folder: ResultsFolder, study: Study, results: Results) -> dict[str, str]:
    """Write the study's own tables as CSV, and return their LaTeX sources."""
    sources = {}
    for table in study.tables:
        numbers = table.numbers(results)
        if not numbers.empty:
            text = numbers.to_csv(index=False, lineterminator="\n")
            write_atomically(folder.path / "tables" / f"{table.name}.csv", text)
            sources[table.name] = own_table(table, numbers, table.caption(results))
    return sources


def write_figures(
    folder: ResultsFolder, study: Study, results: Results, formats: Sequence[str], venue: Venue = VENUES["default"]
) -> list[Path]:
    """Write every figure that has something to show, and its numbers; return the pictures."""
    pictures = folder.path / "figures"
    return [path for figure in study.figures for path in figure.write(results, pictures, formats, venue)]


def _page(folder: ResultsFolder, frozen: Frozen, study: Study, results: Results) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": percent, "count": count, "number": number, "points": points, "share": share}
    environment.globals["interval"] = interval
    runs = results.runs.to_dict("records")
    pictures = ((figure, _picture(folder, figure)) for figure in study.figures)
    return environment.get_template(_TEMPLATE).render(
        name=frozen.design.study,
        study=study,
        design=frozen.design,
        environment=frozen.environment,
        protocol=results.protocol,
        verdicts=sentences(results.contrasts, results.protocol),
        verdict_counts=count_verdicts(results.contrasts),
        limits=limits(frozen.design, results),
        summary=results.summary.to_dict("records"),
        contrasts=results.contrasts.to_dict("records"),
        optimism=results.optimism.to_dict("records"),
        winners=results.winners.to_dict("records"),
        hypervolumes=results.hypervolumes.to_dict("records"),
        overall=results.overall.to_dict("records"),
        runs=runs,
        failures=[run for run in runs if run["status"] != "ok"],
        own_tables=[
            (table, table.cells(numbers), table.caption(results))
            for table in study.tables
            if not (numbers := table.numbers(results)).empty
        ],
        figures=[(figure.title, figure.caption(results), picture) for figure, picture in pictures if picture],
        one_setting=len(results.summary[["dataset", "network", "target_density"]].drop_duplicates()) == 1,
    )


def _picture(folder: ResultsFolder, figure: Figure) -> str:
    """Return the figure as a data URL, so that the page needs no other file; empty if it has nothing to show."""
    path = folder.path / "figures" / f"{figure.name}.svg"
    if not path.exists():
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
