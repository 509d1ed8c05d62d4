"""Every verdict of all published studies, as one table for a site."""

from pathlib import Path

import pandas as pd

from studies.formatting import share
from studies.metric import difference_interval_text, difference_text
from studies.report.published import VERDICTS, read_contrasts
from studies.results import SETTING


def overview(folder: Path) -> str:
    """Return the table in Markdown: a row per primary contrast, studies by name.

    Args:
        folder: of all published studies, each in a folder of its name, with a page ``NAME.md`` beside it.
    """
    lines = ["| study | contrast | on | verdict | difference | interval | n |", "|---|---|---|---|---|---|---|"]
    for study in sorted(path.parent for path in folder.glob(f"*/{VERDICTS}")):
        contrasts = read_contrasts(study)
        if contrasts is not None:
            lines += _rows(study.name, contrasts[contrasts["primary"].astype(bool)])
    return "\n".join(lines) + "\n"


def _rows(study: str, primary: pd.DataFrame) -> list[str]:
    several = len(primary.groupby(list(SETTING))) > 1
    rows = []
    for row in primary.to_dict("records"):
        dataset = row["dataset"]
        setting = f"{dataset}, {row['network']}, τ = {share(row['target_density'])}"
        cells = (
            f"[{study}]({study}.md)",
            f"{row['arm']} against {row['reference']}",
            setting if several else dataset,
            row["verdict"] or "none",
            difference_text(dataset, row["difference"]),
            difference_interval_text(dataset, row["ci_low"], row["ci_high"]),
            f"{row['units']} {'seeds' if row['units'] == row['n'] else 'searches'}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows
