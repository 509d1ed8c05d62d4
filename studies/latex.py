"""Tables for papers, in booktabs; what is set in bold follows verdicts, not the lowest number."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from studies.formatting import count, interval, number, percent, points, share
from studies.results import GROUP, SETTING, Results
from studies.table import Table

_MARKS = {"better": r"\textbf{%s}", "equivalent": r"%s $\approx$", "worse": r"%s $\downarrow$"}
_SIGNS = {
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "τ": r"$\tau$",
    "λ": r"$\lambda$",
    "≤": r"$\leq$",
}
_HEADS = {"target_density": r"$\tau$", "strategy": "strategy", "dataset": "dataset", "network": "network"}


def tables(results: Results) -> dict[str, str]:
    r"""Return the LaTeX source of each table by its name: ``errors``, ``contrasts`` and, after a search, ``optimism``.

    They need ``\usepackage{booktabs}``. In ``errors`` an error is bold if every contrast of the strategy in that
    setting ends as *better*, and marked if every one ends as *equivalent* or *worse*; nothing else is emphasised.
    """
    found = {"errors": _errors(results)}
    if not results.contrasts.empty:
        found["contrasts"] = _contrasts(results)
    if not results.optimism.empty:
        found["optimism"] = _optimism(results)
    return found


def own_table(table: Table, numbers: pd.DataFrame, caption: str) -> str:
    """Return the LaTeX source of a study's own table; a dash stands for what is not there."""
    source: str = (
        pd.DataFrame(
            [[_plain(_number(cell)) for cell in row] for row in table.cells(numbers)],
            columns=[_plain(column.head) for column in table.columns],
        )
        .style.hide(axis="index")
        .to_latex(
            hrules=True,
            column_format="".join("l" if column.text is None else "r" for column in table.columns),
            position="t",
            position_float="centering",
            caption=_plain(caption),
            label=f"tab:{table.name}",
        )
    )
    return source


def _errors(results: Results) -> str:
    verdicts = results.contrasts.groupby(list(GROUP), sort=False)["verdict"].agg(set)
    rows = []
    for row in results.summary.to_dict("records"):
        found = verdicts.get(tuple(row[name] for name in GROUP), set())
        mark = _MARKS.get(next(iter(found)), "%s") if len(found) == 1 else "%s"
        rows.append(
            {
                **_names(row, GROUP),
                r"error (\%)": mark % _number(percent(row["mean"])),
                r"95 \% interval": _number(interval(row["ci_low"], row["ci_high"])),
                r"density (\%)": _number(percent(row["test_density"])),
                "MACs": count(row["test_macs"]),
                r"of dense (\%)": _number(percent(row["test_macs"] / row["dense_macs"])),
                "failed": str(row["failures"]),
            }
        )
    references = ", ".join(_escaped(name) for name in sorted(set(results.contrasts["reference"])))
    against = rf" Bold: better than {references}; $\approx$: equivalent; $\downarrow$: worse." if references else ""
    caption = (
        rf"Test error over {results.protocol.seeds} paired seeds with the 95 \% t interval of its mean; failed runs "
        rf"count at the chance floor. Densities and multiply-adds (MACs) are realised on the test split.{against}"
    )
    return _latex(rows, caption, "errors")


def _contrasts(results: Results) -> str:
    rows = [
        {
            **_names(row, GROUP),
            "reference": _escaped(row["reference"]),
            "difference": _number(points(row["difference"])),
            r"95 \% interval": _number(f"{points(row['ci_low'])} to {points(row['ci_high'])}"),
            r"$p_\mathrm{Holm}$": number(row["p_holm"], 3),
            "verdict": row["verdict"],
            "detectable": _number(points(row["minimum_detectable"], signed=False)),
        }
        for row in results.contrasts.to_dict("records")
    ]
    protocol = results.protocol
    caption = (
        f"Paired differences of test error in points, strategy minus reference, over {protocol.seeds} seeds. $p$: "
        f"exact sign flip test, Holm's correction over {len(rows)} contrasts. Verdicts at $\\alpha$ = "
        f"{protocol.alpha:g} for a smallest difference of interest of {points(protocol.delta, signed=False)} points. "
        f"Detectable: with 80 \\% power."
    )
    return _latex(rows, caption, "contrasts")


def _optimism(results: Results) -> str:
    rows = [
        {
            **_names(row, GROUP),
            r"search (\%)": _number(percent(row["search_error"])),
            r"fresh seeds (\%)": _number(percent(row["fresh_validation_error"])),
            r"test (\%)": _number(percent(row["test_error"])),
            "seeds": _number(points(row["optimism_seed"])),
            "split": _number(points(row["optimism_split"])),
            "optimism": _number(points(row["optimism"])),
            r"95 \% interval": _number(f"{points(row['ci_low'])} to {points(row['ci_high'])}"),
            r"procedure (\%)": _number(percent(row["procedure_mean"])),
        }
        for row in results.optimism.to_dict("records")
    ]
    search = results.protocol.search
    assert search is not None
    caption = (
        f"By how much a search flatters: error of the winner in the search ({search.points} points, {search.seeds} "
        f"tuning seeds), on {results.protocol.seeds} fresh seeds, and on the test split; differences in points, with "
        f"the 95 \\% t interval of their sum over seeds. Procedure: mean test error of the winners of "
        f"{search.searches} searches."
    )
    return _latex(rows, caption, "optimism")


def _names(row: Mapping[Any, Any], columns: Sequence[str]) -> dict[str, str]:
    return {
        _HEADS[name]: share(row[name]) if name == "target_density" else _escaped(str(row[name])) for name in columns
    }


def _latex(rows: Sequence[Mapping[str, str]], caption: str, label: str) -> str:
    table = pd.DataFrame(rows)
    settings = [_HEADS[name] for name in SETTING]
    varying = [name for name in settings if table[name].nunique() > 1]
    table = table.drop(columns=[name for name in settings if name not in varying])
    texts = {*varying, "strategy", "reference", "verdict"}
    source: str = table.style.hide(axis="index").to_latex(
        hrules=True,
        column_format="".join("l" if name in texts else "r" for name in table.columns),
        position="t",
        position_float="centering",
        caption=caption,
        label=f"tab:{label}",
    )
    return source


def _number(text: str) -> str:
    """A formatted number without its unit, which is in the head, and with LaTeX's own dashes."""
    return text.removesuffix(" %").replace(" – ", "--").replace("−", "$-$").replace("–", "--")


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")


def _plain(text: str) -> str:
    """Words in which no character means anything to LaTeX."""
    for sign, source in _SIGNS.items():
        text = text.replace(sign, source)
    return _escaped(text)
