"""One number per arm over all settings: its mean difference to a reference, with bootstrap intervals."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.seeding import SeedStreams
from studies.design.protocol import Search
from studies.design.setting import Setting
from studies.formatting import points, points_interval
from studies.results.independent import independent
from studies.results.pairing import Pairing
from studies.results.results import Results
from studies.results.statistics.intervals import bootstrap_interval, cluster_interval
from studies.results.table import Column, Table

COLUMNS = (
    *("arm", "reference", "settings", "n", "left_out", "difference"),
    *("cluster_low", "cluster_high", "stratified_low", "stratified_high"),
)


def measure_overall(
    pairing: Pairing,
    settings: Sequence[Setting],
    pairs: Sequence[tuple[str, str]],
    root_seed: int,
    search: Search | None = None,
) -> pd.DataFrame:
    """Average each contrast over all settings, one row per pair; no verdict, since none was frozen for it.

    ``difference`` is the mean over settings and seeds of the arm's test error minus the reference's, each as a share of
    the mean error of the reference in that setting, since points on one dataset are not those on another. Settings in
    which a run of either side failed, or was beyond the dense front, or the reference makes no error, are left out. The
    cluster bootstrap resamples seeds, each with all its settings, and so keeps what settings have in common on a seed;
    the stratified one resamples the seeds of each setting by itself. Both are 95 % percentile intervals, which below 20
    seeds cover less than they say. Of a searched study ``n`` is the number of searches, and these are resampled.

    Args:
        pairing: the runs.
        settings: in which there may be contrasts.
        pairs: names of an arm and a reference.
        root_seed: of the resampling.
        search: of the study, if there was one.

    Returns:
        ``COLUMNS``, for pairs that are run in at least two settings.

    Two settings with the differences .01 and .03 on one seed, .02 and .04 on the other. The reference has .10 in the
    one and .50 in the other, of which .015 and .035 are 15 and 7 %: 11 % in the mean.

    >>> runs = pd.DataFrame({"dataset": ["digits"] * 4 + ["mnist1d"] * 4, "network": "4x4", "target_density": 0.25,
    ...                      "seed": [0, 1] * 4, "arm": (["top_k"] * 2 + ["small_dense"] * 2) * 2, "failed": False,
    ...                      "error": [0.11, 0.12, 0.10, 0.10, 0.53, 0.54, 0.50, 0.50], "test_macs": 9.0})
    >>> settings = [Setting("digits", "4x4", 0.25), Setting("mnist1d", "4x4", 0.25)]
    >>> pairing = Pairing(runs, runs.head(0))
    >>> round(float(measure_overall(pairing, settings, [("top_k", "small_dense")], 0)["difference"].iloc[0]), 3)
    0.11
    """
    streams = SeedStreams(root_seed, "bootstrap", "all", 0)
    rows: list[dict[str, Any]] = []
    for arm, reference in pairs:
        paired = [found for setting in settings if (found := pairing.pair(setting, arm, reference)) is not None]
        whole = [found for found in paired if found.reference_error > 0 and not found.differences.isna().any()]
        if len(whole) < 2:
            continue
        shares = pd.concat(
            [independent(found.differences, search) / found.reference_error for found in whole], axis="columns"
        )
        differences = shares.to_numpy(dtype=float)
        cluster_low, cluster_high = cluster_interval(differences, streams.numpy("clusters", arm, reference))
        groups: list[list[float]] = differences.T.tolist()
        low, high = bootstrap_interval(groups, streams.numpy("strata", arm, reference))
        rows.append(
            {
                "arm": arm,
                "reference": reference,
                "settings": differences.shape[1],
                "n": differences.shape[0],
                "left_out": len(paired) - len(whole),
                "difference": float(differences.mean()),
                "cluster_low": cluster_low,
                "cluster_high": cluster_high,
                "stratified_low": low,
                "stratified_high": high,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _caption(results: Results) -> str:
    overall = results.overall
    units = results.protocol.unit_name
    few = f", and below 20 {units} such intervals cover less than 95 %" if overall["n"].min() < 20 else ""
    return (
        f"Mean difference over up to {overall['settings'].max()} settings, in per cent of the reference's error in "
        f"each, with two 95 % percentile bootstrap intervals: {units} resampled with all their settings, and {units} "
        f"resampled in each setting by itself. No verdict: none was frozen for this average{few}."
    )


OVERALL = Table(
    name="overall",
    title="Over all settings",
    numbers=lambda results: results.overall,
    columns=(
        Column("arm", "arm"),
        Column("reference", "reference"),
        Column("n", "n", str),
        Column("settings", "settings", str),
        Column("left_out", "left out", str, flag=bool, note="Left out: settings in which a run of either side failed."),
        Column("difference", "difference (%)", points),
        Column("cluster_low", "all settings together", points_interval, keys=("cluster_low", "cluster_high")),
        Column("stratified_low", "each by itself", points_interval, keys=("stratified_low", "stratified_high")),
    ),
    caption=_caption,
)
