"""What label-using gates give away, arm by arm, from the measurements of a study."""

from typing import Any

import numpy as np
import pandas as pd

from studies.results import GROUP, Results
from studies.results.statistics.intervals import t_interval


def errors_with_labels(results: Results) -> pd.DataFrame:
    """Return a row per arm: the summary's error, and with the teacher's gates mean error, its interval and agreement.

    These are missing where a strategy has no teacher; empty if the study did not measure them.
    """
    columns = ["error_with_labels", "agreement"]
    keys = ["run_id", "arm"]
    measured = results.measured("label_leakage").reindex(columns=[*keys, *columns])
    runs = results.counted.merge(measured.astype(dict.fromkeys(columns, float)), on=keys, how="left")
    if runs["error_with_labels"].isna().all():
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for key, group in runs.groupby(list(GROUP), sort=False):
        errors = group["error_with_labels"].dropna().tolist()
        low, high = t_interval(errors) if errors else (np.nan, np.nan)
        found = {"error_with_labels": np.mean(errors) if errors else np.nan}
        found |= {"with_labels_low": low, "with_labels_high": high, "agreement": group["agreement"].mean()}
        rows.append({**dict(zip(GROUP, key, strict=True)), "family": group["family"].iloc[0], **found})
    columns = [*GROUP, "n", "failures", "mean", "ci_low", "ci_high", "test_density", "train_macs", "test_macs"]
    return results.summary[columns].merge(pd.DataFrame(rows), on=list(GROUP), validate="one_to_one")
