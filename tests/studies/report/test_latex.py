import re
from dataclasses import replace

import pytest

from studies.design import Search
from studies.report.latex import tables
from studies.results import Results
from studies.results.collecting import collect
from tests.support.records import design_of, finished


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


def judged(results: Results, **verdicts: str) -> str:
    contrasts = results.contrasts.assign(verdict=results.contrasts["strategy"].map(verdicts))
    return tables(replace(results, contrasts=contrasts))["errors"]


def rows_of(source: str) -> list[list[str]]:
    body = source[source.index(r"\midrule") : source.index(r"\bottomrule")].splitlines()[1:]
    return [[cell.strip() for cell in row.removesuffix(r"\\").split("&")] for row in body if row]


@pytest.mark.parametrize("name", ["errors", "contrasts", "optimism"])
def test_every_table_is_a_complete_booktabs_table(results, name):
    source = tables(results)[name]
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption{", rf"\label{{tab:{name}}}"):
        assert source.count(part) == 1
    assert source.count("{") == source.count("}")
    assert len(re.findall(r"(?<!\\)\$", source)) % 2 == 0
    assert not re.search(r"(?<!\\)[%_]", re.sub(r"\$[^$]*\$", "", source))
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", source)
    assert columns is not None
    rows = rows_of(source)
    assert {len(row) for row in rows} == {len(columns[1])}
    assert len(rows) == {"errors": 6, "contrasts": 4, "optimism": 6}[name]
    assert source.isascii()


def test_bold_follows_the_verdict_and_not_the_lowest_number(results):
    assert r"\textbf" not in judged(results, reinforce="inconclusive", random_blocks="detectable but small")
    lowest = results.summary.sort_values("mean").iloc[-1]["strategy"]
    assert lowest == "reinforce"
    source = judged(results, reinforce="better", random_blocks="worse")
    for row in rows_of(source):
        assert (r"\textbf" in row[2]) == (row[1] == "reinforce")
        assert (r"\downarrow" in row[2]) == (row[1] == r"random\_blocks")


def test_equivalent_is_marked(results):
    source = judged(results, reinforce="equivalent", random_blocks="inconclusive")
    assert [r"\approx" in row[2] for row in rows_of(source)] == [row[1] == "reinforce" for row in rows_of(source)]


def test_numbers_are_those_of_the_summary(results):
    for row, shown in zip(results.summary.to_dict("records"), rows_of(tables(results)["errors"]), strict=True):
        assert shown[0] == f"1/{round(1 / row['target_density'])}"
        assert f"{100 * row['mean']:.1f}" in shown[2]
        assert shown[3] == f"{100 * row['ci_low']:.1f} -- {100 * row['ci_high']:.1f}".replace(" ", "")
        assert shown[-1] == str(row["failures"])


def test_one_setting_has_no_columns_of_its_own(tmp_path):
    design = design_of("dense", "reinforce")
    source = tables(collect(design, finished(tmp_path, design).ledger))
    assert set(source) == {"errors"}
    assert rows_of(source["errors"])[0][0] == "dense"
