import re
from dataclasses import replace

import pandas as pd
import pytest

from studies.design import Search
from studies.formatting import interval, percent
from studies.report.latex import escaped, latex_table
from studies.results import Results
from studies.results.across.overall import OVERALL
from studies.results.collecting import collect
from studies.results.contrasts import CONTRASTS
from studies.results.optimism import OPTIMISM
from studies.results.summary import SUMMARY
from studies.results.table import Column, Table
from studies.results.winners import WINNERS
from tests.support.records import design_of, finished

# All that mean something to LaTeX.
SIGNS = tuple("\\{}%&#$_^~")
WORDS = {
    r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    **{f"\\{sign}": sign for sign in "{}%&#$_"},
}
BEGUN = [("begin", "table"), ("begin", "tabular")]
# Of LaTeX itself, booktabs and graphicx.
KNOWN = {
    *(f"\\{word}" for word in ("begin", "end", "centering", "caption", "label", "toprule", "midrule", "bottomrule")),
    *(f"\\{word}" for word in ("resizebox", "ifdim", "width", "linewidth", "else", "fi", "textbf")),
    *(f"\\{word}" for word in ("tau", "lambda", "mu", "leq", "approx", "downarrow")),
    *(
        f"\\{word}"
        for word in ("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar")
    ),
    *(f"\\{sign}" for sign in "{}%&#$_\\"),
}
ROWS = {"summary": 6, "contrasts": 4, "overall": 1, "optimism": 6, "winners": 12}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    design = design_of(
        "small_dense",
        "reinforce",
        "random_blocks",
        densities=(0.25, 0.5),
        search=Search(points=2, searches=2),
        test_split="fixed",
    )
    return collect(design, finished(tmp_path_factory.mktemp("results"), design, {("reinforce", 1): "nan"}).ledger)


def source_of(table: Table, results: Results) -> str:
    numbers = table.numbers(results)
    return latex_table(table, numbers, table.full_caption(results, numbers, "paper"))


def judged(results: Results, **verdicts: str) -> str:
    contrasts = results.contrasts.assign(verdict=results.contrasts["arm"].map(verdicts), primary=True)
    return source_of(SUMMARY, replace(results, contrasts=contrasts))


def cells_of(row: str) -> list[str]:
    """The cells of a row as LaTeX finds them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)&", row.strip().removesuffix(r"\\"))]


def head_of(source: str) -> list[str]:
    return cells_of(source[source.index(r"\toprule") + 8 : source.index(r"\midrule")])


def rows_of(source: str) -> list[list[str]]:
    body = source[source.index(r"\midrule") : source.index(r"\bottomrule")].splitlines()[1:]
    return [cells_of(row) for row in body]


def read(source: str) -> str:
    """The letters that LaTeX prints for text without commands of ours."""
    return re.sub(r"\\text\w+\{\}|\\.|[\\{}%&#$_^~]", lambda found: WORDS[found[0]], source)


def named(*names: str, head: str = "arm", caption: str = "") -> tuple[Table, str]:
    """A table with a column of names and one of whole numbers, and its source."""
    columns = (Column("arm", head), Column("n", "n", str))
    table = Table("some", "Some", lambda results: pd.DataFrame(), columns, lambda results: caption)
    return table, latex_table(table, pd.DataFrame({"arm": names, "n": range(len(names))}), caption)


@pytest.mark.parametrize("table", [SUMMARY, CONTRASTS, OVERALL, OPTIMISM, WINNERS], ids=lambda table: table.name)
def test_every_table_is_a_complete_booktabs_table(results, table):
    source = source_of(table, results)
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption{", rf"\label{{tab:{table.name}}}"):
        assert source.count(part) == 1
    assert source.index(r"\toprule") < source.index(r"\midrule") < source.index(r"\bottomrule")
    assert source.count("{") == source.count("}")
    assert len(re.findall(r"(?<!\\)\$", source)) % 2 == 0
    # A sign that ends a line keeps the end of the line out of what is made smaller.
    assert not re.search(r"(?<!\\)[%_#]", re.sub(r"\$[^$]*\$|%$", "", source, flags=re.MULTILINE))
    assert set(re.findall(r"\\(?:[a-zA-Z]+|.)", source)) <= KNOWN
    assert re.findall(r"\\(begin|end)\{(\w+)\}", source) == [*BEGUN, *(("end", name) for _, name in reversed(BEGUN))]
    assert source.isascii()
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", source)
    assert columns is not None
    shown = table.shown(table.numbers(results), "paper")
    assert columns[1] == "".join("r" if column.text else "l" for column in shown)
    assert len(head_of(source)) == len(shown)
    rows = rows_of(source)
    assert {len(row) for row in rows} == {len(shown)}
    assert len(rows) == ROWS[table.name]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_of_latex_is_printed_wherever_it_stands(sign):
    text = f"a{sign}b {sign} c{sign}{sign}d{sign}"
    _, source = named(text, "plain", head=text, caption=text)
    assert [len(row) for row in rows_of(source)] == [2, 2]
    assert read(rows_of(source)[0][0]) == text
    assert rows_of(source)[1] == ["plain", "1"]
    assert [read(cell) for cell in head_of(source)] == [text, "n"]
    (caption,) = re.findall(r"^\\caption\{(.*)\}$", source, re.MULTILINE)
    assert read(caption) == text


def test_all_signs_together_are_printed():
    text = " ".join(SIGNS) + "".join(SIGNS)
    assert read(escaped(text)) == text
    _, source = named(text)
    assert read(rows_of(source)[0][0]) == text


def test_a_percent_sign_that_all_cells_have_stands_in_the_head():
    columns = (Column("all", "error", percent), Column("some", "mixed", str), Column("none", "share", percent))
    table = Table("some", "Some", lambda results: pd.DataFrame(), columns, lambda results: "")
    shares: dict[str, list[object]] = {"all": [0.1, float("nan")], "some": ["3 %", "4"], "none": [0.2, 0.3]}
    source = latex_table(table, pd.DataFrame(shares), "")
    assert head_of(source) == [r"error (\%)", "mixed", r"share (\%)"]
    assert rows_of(source) == [["10.0", r"3 \%", "20.0"], ["--", "4", "30.0"]]


def test_a_percent_sign_of_a_word_stays():
    _, source = named("3 %", "4 %")
    assert head_of(source) == ["arm", "n"]
    assert [row[0] for row in rows_of(source)] == [r"3 \%", r"4 \%"]


def marked(source: str, mark: str) -> set[tuple[str, str]]:
    """Arm and head of the cells that hold a mark."""
    heads = head_of(source)
    return {(row[0], head) for row in rows_of(source) for head, cell in zip(heads, row, strict=True) if mark in cell}


def test_bold_follows_the_verdict_and_not_the_lowest_number(results):
    assert r"\textbf" not in judged(results, reinforce="undecided", random_blocks="")
    highest, other = results.summary.sort_values("mean", ascending=False)["arm"].unique()[:2]
    source = judged(results, **{highest: "better", other: "worse"})
    assert marked(source, r"\textbf{") == {(escaped(highest), r"test error (\%)")}
    assert marked(source, r" $\downarrow$") == {(escaped(other), r"test error (\%)")}


def test_equivalent_is_marked(results):
    source = judged(results, reinforce="equivalent", random_blocks="undecided")
    assert marked(source, r" $\approx$") == {("reinforce", r"test error (\%)")}


def test_numbers_are_those_of_the_summary(results):
    source = source_of(SUMMARY, results)
    place = {head: number for number, head in enumerate(head_of(source))}
    for row, shown in zip(results.summary.to_dict("records"), rows_of(source), strict=True):
        assert shown[place[r"$\tau$"]] == f"1/{round(1 / row['target_density'])}"
        assert percent(row["mean"]).removesuffix(" %") in shown[place[r"test error (\%)"]]
        ends = interval(row["ci_low"], row["ci_high"]).removesuffix(" %").replace(" – ", "--")
        assert shown[place[r"95 \% interval (\%)"]] == ends
        assert shown[place["failed"]] == str(row["failures"])


def test_a_table_is_made_smaller_only_where_it_is_wider_than_its_column():
    _, source = named("a")
    assert "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n\\begin{tabular}{lr}" in source
    assert source.endswith("\\end{tabular}%\n}\n\\end{table}\n")


def test_one_setting_has_no_columns_of_its_own(tmp_path):
    design = design_of("dense", "reinforce")
    results = collect(design, finished(tmp_path, design).ledger)
    source = source_of(SUMMARY, results)
    assert not {"dataset", "network", r"$\tau$"} & set(head_of(source))
    assert [row[0] for row in rows_of(source)] == ["dense", "reinforce"]
