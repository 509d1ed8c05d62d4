"""What the contrasts say, in sentences."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from studies.formatting import share
from studies.metric import bound_text, difference_interval_text, difference_text, size_text, unit_of
from studies.results import SETTING
from studies.results.statistics.decision import WORDS, below_delta


def sentences(contrasts: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Say for each setting what is known of each primary contrast.

    Args:
        contrasts: of :func:`studies.results.contrasts.contrast`, or read from the file that they were written to.

    Returns:
        A heading that names the setting, and its sentences, decided contrasts first; empty without primary contrasts.
    """
    said = []
    primary = named(contrasts[contrasts["primary"].astype(bool)])
    for _, in_setting in primary.groupby(list(SETTING), sort=False):
        rows = in_setting.to_dict("records")
        rows.sort(key=lambda row: WORDS.index(row["verdict"]) if row["verdict"] else len(WORDS))
        first = in_setting.iloc[0]
        heading = f"{first['dataset']}, {first['network']}, τ = {share(first['target_density'])}"
        said.append((heading, [sentence(row) for row in rows]))
    return said


def _quoted(name: str) -> str:
    """Return a name that can be told from the words about it."""
    return f"“{name}”" if "," in name else name


def named(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Return contrasts whose missing words are empty: in a file they are no words at all."""
    words = ["verdict", "withheld"]
    return contrasts.astype(dict.fromkeys(words, object)).fillna(dict.fromkeys(words, ""))


def sentence(row: Mapping[Any, Any]) -> str:
    """Say what is known of one primary contrast, from its row.

    >>> row = {"dataset": "digits", "arm": "top_k", "reference": "random", "verdict": "better", "withheld": "",
    ...        "units": 6, "p": 0.03125, "difference": -0.02, "ci_low": -0.03, "ci_high": -0.01, "level": 0.05,
    ...        "delta": 0.001}
    >>> sentence(row)
    'top_k is better than random, by at least 1.0 points: −2.0, interval −3.0 to −1.0.'
    """
    arm, reference = _quoted(row["arm"]), _quoted(row["reference"])
    dataset = row["dataset"]
    interval = difference_interval_text(dataset, row["ci_low"], row["ci_high"])
    found = f"{difference_text(dataset, row['difference'])}, interval {interval}"
    delta = f"δ = {size_text(dataset, row['delta'], 1)}"
    match row["verdict"]:
        case "better" | "worse" as word:
            near = min(abs(row["ci_low"]), abs(row["ci_high"]))
            small = below_delta(row["ci_low"], row["ci_high"], row["delta"])
            size = f"though by less than {delta}" if small else f"by at least {bound_text(dataset, near)}"
            return f"{arm} is {word} than {reference}, {size}: {found}.{_disagreement(row)}"
        case "equivalent":
            return f"{arm} is as good as {reference}, within {delta}: {found}."
        case "undecided":
            return f"{arm} is not told apart from {reference}: {found}. {_more_seeds(row)}"
    failed = [
        f"{count} of {row['n']} runs of {name} failed"
        for name, count in ((arm, row["failures"]), (reference, row["reference_failures"]))
        if count
    ]
    why = ", and ".join(failed) or row["withheld"]
    of = "of the other seeds: " if failed or row["beyond"] else ""
    return f"{arm} against {reference} has no verdict, since {why}; {of}{found}."


def _disagreement(row: Mapping[Any, Any]) -> str:
    """The exact sign flip test assumes no distribution; where it could have found what the interval did, it should."""
    reachable = 2.0 ** (1 - row["units"]) <= row["level"]
    if not reachable or row["p"] <= row["level"]:
        return ""
    return f" The exact sign flip test does not agree (p = {row['p']:.3g}, where {row['level']:.3g} is asked for)."


def _more_seeds(row: Mapping[Any, Any]) -> str:
    """Say how many seeds, or searches, would decide, if the difference and the noise are as they seem."""
    units = "seeds" if row["units"] == row["n"] else "searches"
    if not row["std"] > 0:
        return f"{units.capitalize()} without any spread show no interval."
    if pd.isna(row["seeds_needed"]) and row["example_std"] > 0:
        return f"If that is the difference, no number of {units} on these test examples decides it."
    many = "more than a thousand" if pd.isna(row["seeds_needed"]) else f"about {row['seeds_needed']:.0f}"
    return f"If that is the difference, {many} {units} decide four times in five."


def detectable(contrasts: pd.DataFrame) -> str:
    """Say what differences could have been found at all; nothing where there is no verdict."""
    sizes = contrasts.loc[contrasts["verdict"] != "", ["dataset", "detectable"]].dropna()
    if sizes.empty:
        return ""
    said = " or ".join(_span(group) for _, group in sizes.groupby(sizes["dataset"].map(unit_of), sort=False))
    return f"Differences below {said} would be missed more often than once in five times."


def _span(sizes: pd.DataFrame) -> str:
    """Say from where to where sizes in one unit go."""
    dataset = sizes["dataset"].iloc[0]
    low, high = (size_text(dataset, size) for size in (sizes["detectable"].min(), sizes["detectable"].max()))
    return low if low == high else f"{low.partition(' ')[0]} to {high}"


def count_verdicts(contrasts: pd.DataFrame) -> str:
    """Say in one sentence how many of the primary contrasts ended how."""
    primary = named(contrasts[contrasts["primary"].astype(bool)])
    if primary.empty:
        return "This study has no primary contrasts here: everything is exploratory, and nothing has a verdict."
    counts = primary["verdict"].value_counts()
    parts = [f"{counts[word]} {word}" for word in WORDS if word in counts]
    if "" in counts:
        parts.append(f"{counts['']} without a verdict")
    what = "1 primary contrast" if len(primary) == 1 else f"{len(primary)} primary contrasts"
    return f"Of {what}: {', '.join(parts)}."
