import base64
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.errors import InputError
from studies import catalogue
from studies.design import Study
from studies.design.freezing import FrozenStudy
from studies.records.folder import ResultsFolder
from studies.report.figures import STANDARD, Figure
from studies.report.page import write_report
from studies.results.collecting import collect
from tests.support.records import Failures, configurations_of, design_of, finished

STUDY = catalogue.find("quickstart")
FAILURES = {("reinforce", 2): "nan", ("reinforce", 1): "error", ("dense", 1): "diverged"}
REASON = "ValueError: <script>alert('x')</script> & \"more\"\nsecond line"
CHROMIUM = Path("/usr/bin/chromium")
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """A page taken apart: its text, its references, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in {"style", "title"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def first_table(html: str) -> list[dict[str, str]]:
    """Its rows as text by column."""
    table = html[html.index("<table") : html.index("</table>")]
    columns = re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in table.split("<tr>")]
    return [dict(zip(columns, row, strict=True)) for row in rows if row]


def write(
    results: Path, design: FrozenStudy, failures: Failures | None = None, study: Study = STUDY
) -> tuple[ResultsFolder, str]:
    folder = finished(results, design, failures, reason=REASON)
    _, page = write_report(folder, study)
    return folder, page.read_text("utf-8")


def drawn(folder: ResultsFolder) -> list[Figure]:
    """The figures that have something to show, of which there are some."""
    results = collect(folder.frozen().design, folder.ledger)
    found = [figure for figure in STANDARD if not figure.numbers(results).empty]
    assert found
    return found


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A study of two networks in which three kinds of failure happened."""
    design = design_of("dense", "reinforce", networks=("4x4", "4x4,2x8"))
    return write(tmp_path_factory.mktemp("reported"), design, FAILURES)


@pytest.fixture(scope="module")
def html(reported):
    return reported[1]


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_needs_no_other_file(html, page):
    assert page.references
    assert all(reference.startswith(("data:", "#")) for reference in page.references)
    assert not {"iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert html.count("<script") == html.count("<script>") == 1
    style = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"url\(|@import|http", " ".join(style))


def test_the_page_says_what_was_asked_and_where_it_is_from(page):
    assert STUDY.question in page.text
    assert STUDY.source in page.text


def test_the_page_holds_the_design_and_where_it_was_run(reported, page):
    design = reported[0].frozen().design
    environment = reported[0].frozen().environment
    for expected in (design.design_hash, "default", "4x4,2x8", "digits", "resampled", "epochs 3", "baseline"):
        assert expected in page.text
    assert f"Python {environment['python']}" in page.text
    assert f"torch {environment['packages']['torch']}" in page.text
    assert environment["git_commit"] is None or environment["git_commit"] in page.text


def test_the_page_lists_every_run(reported, page):
    configurations = configurations_of(reported[0].frozen().design)
    assert len(configurations) == 12
    for configuration in configurations:
        assert page.text.count(configuration.run_id) == 1


def test_the_page_gives_n_mean_interval_and_failures_of_each_strategy(reported, html):
    design = reported[0].frozen().design
    summary = collect(design, reported[0].ledger).summary
    rows = first_table(html)
    assert len(rows) == len(summary) == 4
    for shown, row in zip(rows, summary.to_dict("records"), strict=True):
        assert [shown[name] for name in ("strategy", "dataset", "network", "n", "failed")] == [
            str(row[name]) for name in ("strategy", "dataset", "network", "n", "failures")
        ]
        assert shown["test error"] == f"{100 * row['mean']:.1f} %"
        assert shown["95 % interval"] == f"{100 * row['ci_low']:.1f} – {100 * row['ci_high']:.1f} %"
        assert shown["density"] == f"{100 * row['test_density']:.1f} %"
        assert shown["MACs / dense"] == f"{100 * row['test_macs'] / row['dense_macs']:.1f} %"


def test_the_page_lists_every_failure_with_its_reason(page):
    reason = " ".join(REASON.split())
    for (strategy, seed), status in FAILURES.items():
        for network in ("4x4", "4x4,2x8"):
            assert f"{status} : {strategy}, seed {seed}, digits, {network}, τ = 1/8: {reason}" in page.text
    assert "Failures" in page.text


def test_markup_in_a_reason_is_shown_not_obeyed(html):
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(" in html


def test_every_figure_is_in_the_page_with_its_caption(reported, html, page):
    results = collect(reported[0].frozen().design, reported[0].ledger)
    pictures = [reference for reference in page.references if reference.startswith("data:image/svg+xml;base64,")]
    shown = drawn(reported[0])
    assert len(pictures) == len(shown) == html.count("<figcaption>")
    files = {(reported[0].path / "figures" / f"{figure.name}.svg").read_bytes() for figure in shown}
    assert {base64.b64decode(picture.partition(",")[2]) for picture in pictures} == files
    for figure in shown:
        assert " ".join(figure.caption(results).split()) in page.text
        assert f'alt="{figure.title}' in html


def test_pictures_refer_to_nothing_outside(reported):
    for path in (reported[0].path / "figures").glob("*.svg"):
        references = re.findall(r'(?:href|src)="([^"]*)"', path.read_text("utf-8"))
        assert all(reference.startswith(("#", "data:")) for reference in references)


def test_the_files_of_the_contract_are_there(reported):
    names = {str(path.relative_to(reported[0].path)) for path in reported[0].path.rglob("*") if path.is_file()}
    pictures = {f"figures/{figure.name}.{end}" for figure in drawn(reported[0]) for end in ("pdf", "png", "csv")}
    tables = {"runs.csv", "summary.csv", "contrasts.csv", "tables/errors.tex"}
    assert {"study.json", "report.html"} | tables | pictures <= names


def test_writing_the_report_again_changes_no_file(reported):
    folder, before = reported[0], {}
    for path in folder.path.rglob("*"):
        if path.is_file():
            before[path] = path.read_bytes()
    write_report(folder, STUDY)
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


def test_a_study_without_failures_has_no_list_of_them(tmp_path):
    _, html = write(tmp_path, design_of("dense", seeds=2), study=replace(STUDY, figures=()))
    assert ">Failures<" not in html
    assert Page(html).text.count("digits") >= 2


def test_a_study_of_one_seed_shows_a_dash_for_its_interval(tmp_path):
    _, html = write(tmp_path, design_of("dense", seeds=1), study=replace(STUDY, figures=()))
    (row,) = first_table(html)
    assert row["95 % interval"] == row["std"] == "–"
    assert "nan" not in row.values()


def test_a_study_in_which_everything_failed_is_reported(tmp_path):
    failures = {(name, seed): "error" for name in ("dense", "reinforce") for seed in range(2)}
    folder, html = write(tmp_path, design_of("dense", "reinforce", seeds=2), failures)
    page = Page(html)
    assert page.text.count("error : ") == 4
    assert "nan" not in {cell for row in first_table(html) for cell in row.values()}
    assert len([reference for reference in page.references if "svg" in reference]) == len(drawn(folder)) == 3


def test_a_figure_of_an_earlier_design_is_not_shown_as_this_ones(tmp_path):
    write(tmp_path, design_of("dense", "reinforce", seeds=1))
    folder, html = write(tmp_path, design_of("dense", seeds=1))
    assert "Gates by class" not in Page(html).text
    assert not list((folder.path / "figures").glob("gates_by_class.*"))


def test_a_study_with_runs_missing_is_not_reported(tmp_path):
    folder = finished(tmp_path, design_of("dense", seeds=2))
    folder.ledger.remove(configurations_of(folder.frozen().design)[1].run_id)
    with pytest.raises(InputError, match="1 of 2 runs"):
        write_report(folder, STUDY)
    assert not (folder.path / "report.html").exists()


def test_a_study_never_run_is_not_reported(tmp_path):
    with pytest.raises(InputError, match="python -m studies run quickstart"):
        write_report(ResultsFolder(tmp_path, "quickstart"), STUDY)


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_the_page_with_every_picture_and_sorts_its_tables(reported, html, tmp_path, width):
    probe = """<script>addEventListener("load", () => {
        document.title = [...document.images].map(image => image.complete && image.naturalWidth > 50).join();
        const fits = document.documentElement.scrollWidth <= innerWidth;
        const table = document.querySelector("table.sortable"), column = 5;
        const values = () => [...table.tBodies[0].rows].map(row => Number(row.cells[column].dataset.value));
        const button = table.querySelectorAll("th")[column].querySelector("button"), ordered = [];
        for (const sign of [1, -1]) {
            button.click();
            const found = values();
            ordered.push(found.length > 1 && found.every((value, i) => !i || sign * (value - found[i - 1]) >= 0));
        }
        document.body.textContent = `width ${fits} sorted ${ordered} ${button.textContent}`;
    })</script></body>"""
    watched = tmp_path / "report.html"
    watched.write_text(html.replace("</body>", probe), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2000", "--dump-dom"]
    flags += ["--enable-logging=stderr"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, watched.as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"<title>{','.join(['true'] * len(drawn(reported[0])))}</title>" in done.stdout
    assert "width true sorted true,true test error" in done.stdout
    assert "CONSOLE" not in done.stderr
