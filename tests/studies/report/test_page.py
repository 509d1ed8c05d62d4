import base64
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from studies.design.freezing import FrozenStudy
from studies.formatting import interval, percent
from studies.records.folder import ResultsFolder
from studies.report.drawing.figure import FORMATS, Figure
from studies.report.figures.failures import FAILURES as FAILED_RUNS
from studies.report.figures.gates_by_class import GATES_BY_CLASS
from studies.report.figures.profile import PROFILE
from studies.report.figures.seeds import SEEDS
from studies.report.presentation import Presentation
from studies.results.collecting import collect
from tests.support.records import Failures, configurations_of, design_of, finished, forget
from tests.support.reports import NO_FIGURES, report_on

QUESTION = "Is <one> better & faster?"
SOURCE = "A paper, table 2"
USUAL = Presentation.usual(searched=False)
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
    results: Path, design: FrozenStudy, failures: Failures | None = None, presentation: Presentation = NO_FIGURES
) -> tuple[ResultsFolder, str]:
    folder = finished(results, design, failures, reason=REASON)
    page = report_on(folder, presentation, QUESTION, SOURCE)
    return folder, page.read_text("utf-8")


def shown_in(folder: ResultsFolder, presentation: Presentation = USUAL) -> list[Figure]:
    """The figures that have something to show, of which there are some."""
    results = collect(folder.frozen().design, folder.ledger)
    found = [figure for figure in presentation.figures if not figure.numbers(results).empty]
    assert found
    return found


def files_of(folder: ResultsFolder) -> dict[str, bytes]:
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A study of two networks in which three kinds of failure happened."""
    design = design_of("dense", "reinforce", networks=("8x2", "8x2,8x4"))
    return write(tmp_path_factory.mktemp("reported"), design, FAILURES, USUAL)


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
    assert QUESTION in page.text
    assert SOURCE in page.text


def test_the_page_holds_the_design_and_where_it_was_run(reported, page):
    design = reported[0].frozen().design
    environment = reported[0].frozen().environment
    for expected in (design.design_hash, "default", "8x2,8x4", "digits", "resampled", "epochs 3", "baseline"):
        assert expected in page.text
    assert f"Python {environment['python']}" in page.text
    assert f"torch {environment['packages']['torch']}" in page.text
    assert environment["git_commit"] is None or environment["git_commit"] in page.text


def test_the_page_says_how_long_training_was_on_each_dataset(tmp_path):
    plain: dict[str, Any] = {"datasets": ("digits", "mnist1d"), "training": {"epochs": 7}}
    _, html = write(tmp_path / "plain", design_of(**plain))
    assert "7 epochs each. Design" in Page(html).text
    assert "training on" not in Page(html).text
    _, html = write(tmp_path / "changed", design_of(**plain, dataset_training={"mnist1d": {"epochs": 3}}))
    assert "3 to 7 epochs, by dataset. Design" in Page(html).text
    assert "training on mnist1d epochs 3" in Page(html).text


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
        assert [shown[name] for name in ("arm", "network", "n", "failed")] == [
            str(row[name]) for name in ("arm", "network", "n", "failures")
        ]
        assert shown["test error"] == percent(row["mean"])
        assert shown["95 % interval"] == interval(row["ci_low"], row["ci_high"])
        assert shown["density"] == f"{100 * row['test_density']:.1f} %"
        assert shown["MACs / dense"] == f"{100 * row['test_macs'] / row['dense_macs']:.1f} %"


def test_the_page_lists_every_failure_with_its_reason(page):
    reason = " ".join(REASON.split())
    for (arm, seed), status in FAILURES.items():
        for network in ("8x2", "8x2,8x4"):
            assert f"{status} : {arm}, seed {seed}, digits, {network}, τ = 1/8: {reason}" in page.text
    assert "Failures" in page.text


def test_markup_in_a_reason_is_shown_not_obeyed(html):
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(" in html


def test_every_figure_is_in_the_page_with_its_caption(reported, html, page):
    results = collect(reported[0].frozen().design, reported[0].ledger)
    pictures = [reference for reference in page.references if reference.startswith("data:image/svg+xml;base64,")]
    shown = shown_in(reported[0])
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
    names = set(files_of(reported[0]))
    pictures = {f"figures/{figure.name}.{end}" for figure in shown_in(reported[0]) for end in ("csv", "txt", *FORMATS)}
    assert {name for name in names if name.startswith("figures/")} == pictures
    assert {"study.json", "report.html", "runs.csv", "summary.csv"} <= names
    assert {name for name in names if name.startswith("tables/")} == {"tables/summary.tex"}


def test_a_study_with_contrasts_has_their_tables_and_links_to_them(tmp_path):
    design = design_of("small_dense", "reinforce", densities=(0.25, 0.5))
    folder, html = write(tmp_path, design)
    names = ("summary", "contrasts", "overall", "hypervolumes")
    assert {f"{name}.csv" for name in (*names, "runs")} <= set(files_of(folder))
    assert {path.stem for path in (folder.path / "tables").iterdir()} == set(names)
    for name in (*names, "runs"):
        assert f'<h2 id="{name}">' in html
        assert f'<a href="#{name}">' in html


def test_writing_the_report_again_changes_no_file(tmp_path):
    presentation = Presentation((SEEDS,))
    folder, _ = write(tmp_path, design_of("small_dense", "reinforce", seeds=2), presentation=presentation)
    before = files_of(folder)
    assert "figures/seeds.pdf" in before
    report_on(folder, presentation, QUESTION, SOURCE)
    assert files_of(folder) == before


def test_a_study_without_failures_has_no_list_of_them(tmp_path):
    _, html = write(tmp_path, design_of("dense", seeds=2))
    assert ">Failures<" not in html
    assert Page(html).text.count("digits") >= 2


def test_a_study_of_one_seed_has_no_interval(tmp_path):
    _, html = write(tmp_path, design_of("dense", seeds=1))
    (row,) = first_table(html)
    assert row["n"] == "1"
    assert not {"95 % interval", "std"} & row.keys()
    assert "nan" not in row.values()


def test_a_study_in_which_everything_failed_is_reported(tmp_path):
    failures = {(name, seed): "error" for name in ("dense", "reinforce") for seed in range(2)}
    presentation = Presentation((SEEDS, PROFILE, FAILED_RUNS, GATES_BY_CLASS))
    folder, html = write(tmp_path, design_of("dense", "reinforce", seeds=2), failures, presentation)
    page = Page(html)
    assert page.text.count("error : ") == 4
    assert "nan" not in {cell for row in first_table(html) for cell in row.values()}
    assert shown_in(folder, presentation) == [SEEDS, PROFILE, FAILED_RUNS]
    assert len([reference for reference in page.references if "svg" in reference]) == 3


def test_a_figure_of_an_earlier_design_is_not_shown_as_this_ones(tmp_path):
    presentation = Presentation((GATES_BY_CLASS,))
    _, html = write(tmp_path, design_of("dense", "reinforce", seeds=1), presentation=presentation)
    assert GATES_BY_CLASS.title in Page(html).text
    folder, html = write(tmp_path, design_of("dense", seeds=1), presentation=presentation)
    assert GATES_BY_CLASS.title not in Page(html).text
    assert not list((folder.path / "figures").glob("gates_by_class.*"))


def test_a_table_of_an_earlier_design_goes(tmp_path):
    folder, _ = write(tmp_path, design_of("small_dense", "reinforce", seeds=2))
    assert {"contrasts.csv", "tables/contrasts.tex"} <= set(files_of(folder))
    folder, html = write(tmp_path, design_of("reinforce", seeds=2))
    assert not {"contrasts.csv", "tables/contrasts.tex"} & set(files_of(folder))
    assert 'id="contrasts"' not in html


def test_a_study_with_runs_missing_is_not_reported(tmp_path):
    folder = finished(tmp_path, design_of("dense", seeds=2))
    forget(folder, configurations_of(folder.frozen().design)[1].run_id)
    with pytest.raises(InputError, match="1 of 2 runs"):
        report_on(folder)
    assert not (folder.path / "report.html").exists()


def test_a_study_never_run_is_not_reported(tmp_path):
    with pytest.raises(InputError, match="python -m studies run quickstart"):
        report_on(ResultsFolder(tmp_path, "quickstart"))


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_the_page_with_every_picture_and_sorts_its_tables(reported, html, tmp_path, width):
    probe = """<script>addEventListener("load", () => {
        document.title = [...document.images].map(image => image.complete && image.naturalWidth > 50).join();
        const fits = document.documentElement.scrollWidth <= innerWidth;
        const table = document.querySelector("table.sortable"), heads = [...table.querySelectorAll("th")];
        const column = heads.findIndex(head => head.textContent === "test error");
        const values = () => [...table.tBodies[0].rows].map(row => Number(row.cells[column].dataset.value));
        const button = heads[column].querySelector("button"), ordered = [];
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
    assert f"<title>{','.join(['true'] * len(shown_in(reported[0])))}</title>" in done.stdout
    assert "width true sorted true,true test error" in done.stdout
    assert "CONSOLE" not in done.stderr
