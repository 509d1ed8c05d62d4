"""How long calls took beside those of dense networks, over all seeds."""

from typing import Any

import numpy as np
import pandas as pd

from studies.results import GROUP, Results
from studies.timing.one_dnn import EAGER


def call_times(results: Results) -> pd.DataFrame:
    """Return a row per ``GROUP``, reference and batch size of what the measurement ``batch_latency`` found.

    Times are of the processor, which other programs on the machine do not stretch; they are medians over the
    repetitions of all seeds. ``speedup`` is the median of their ratios, with the 10th and the 90th percentile;
    ``wall_speedup`` the same median by the wall clock, and ``library`` how torch computed the dense network in most
    runs.
    """
    calls = results.measured("batch_latency", "calls")
    if calls.empty:
        return calls
    # Older records do not say it: there was only one way to compute it.
    calls = calls.assign(library=calls["library"].fillna(EAGER) if "library" in calls else EAGER)
    columns = [*GROUP, "family", "reference", "batch"]
    groups = calls.rename(columns={"baseline": "reference"}).groupby(columns, sort=False)
    return pd.DataFrame([{**dict(zip(columns, key, strict=True)), **_times(found)} for key, found in groups])


def _times(calls: pd.DataFrame) -> dict[str, float | str]:
    def all_of(key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.concatenate([np.asarray(times, float) for times in calls[key]])

    own, reference = all_of("own_processor_seconds"), all_of("baseline_processor_seconds")
    low, middle, high = np.percentile(reference / own, [10, 50, 90])
    return {
        "library": calls["library"].mode()[0],
        "repetitions": len(own),
        "microseconds": 1e6 * float(np.median(own)),
        "reference_microseconds": 1e6 * float(np.median(reference)),
        "speedup": float(middle),
        "speedup_p10": float(low),
        "speedup_p90": float(high),
        "wall_speedup": float(np.median(all_of("baseline_seconds") / all_of("own_seconds"))),
    }
