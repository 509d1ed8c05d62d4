"""Arms over settings: mean ranks, the share of the gap to the wide dense network, and the regret of taking one."""

import numpy as np
import pandas as pd

from studies.design.dense_front import DENSE_FRONT
from studies.formatting import number, percent
from studies.results.equal_compute import beyond_front
from studies.results.results import GROUP, SETTING, Results
from studies.results.statistics.datasets.normalised import regrets, share_of_gap
from studies.results.statistics.datasets.ranks import critical_difference, friedman_p, mean_ranks
from studies.results.table import Column, Table

COLUMNS = ("arm", "family", "settings", "mean_rank", "critical_difference", "friedman_p", "gap_closed", "regret")
_FEWEST_ARMS, _FEWEST_SETTINGS = 3, 2


def rank_arms(results: Results) -> pd.DataFrame:
    """Return a row of ``COLUMNS`` for each arm that is run in all settings, best mean rank first.

    ``mean_rank`` is over settings, 1 the lowest mean error of one; an arm of which all runs failed in a setting is last
    there. Two arms are told apart where their mean ranks differ by ``critical_difference`` (Nemenyi, all pairs
    together), and ``friedman_p`` is of all being alike; both are the same in all rows. ``gap_closed`` is the mean over
    settings of what an arm closes of the gap between the dense front at its multiply-adds and the widest network there
    is on it, and ``regret`` how far that is below the best arm's, in the mean; missing without a dense front, or where
    it has no gap.

    Returns:
        No rows for fewer than three arms or two settings.
    """
    errors = results.summary.pivot(index=list(SETTING), columns="arm", values="mean")
    run = results.summary.assign(one=1).pivot(index=list(SETTING), columns="arm", values="one").notna()
    arms = [arm for arm in results.arms["arm"] if arm in run and run[arm].sum() == run.sum().max()]
    settings = run.index[run[arms].all(axis="columns")]
    if len(settings) < _FEWEST_SETTINGS or len(arms) < _FEWEST_ARMS:
        return pd.DataFrame(columns=list(COLUMNS))
    table = errors.loc[settings, arms].fillna(np.inf).to_numpy(dtype=float)
    shares = _shares(results).reindex(index=settings, columns=arms)
    whole = shares.dropna(axis="index")
    fall_short = regrets(whole.to_numpy()).mean(axis=0) if len(whole) else np.full(len(arms), np.nan)
    ranked = pd.DataFrame(
        {
            "arm": arms,
            "settings": len(settings),
            "mean_rank": mean_ranks(table),
            "critical_difference": critical_difference(len(arms), len(settings)),
            "friedman_p": friedman_p(table),
            "gap_closed": whole.mean(axis="index").to_numpy() if len(whole) else np.nan,
            "regret": fall_short,
        }
    )
    ordered = results.with_families(ranked).sort_values("mean_rank", kind="stable", ignore_index=True)
    return ordered[list(COLUMNS)]


def _shares(results: Results) -> pd.DataFrame:
    """What each arm closes of the gap, ``[settings, arms]``."""
    counted, front = results.counted, results.front
    ok = counted[~counted["failed"]]
    keys = [ok[column] for column in GROUP]
    beyond = beyond_front(ok, front)
    error = ok["error"].where(beyond.notna()).groupby(keys).mean()
    narrow = (ok["error"] - beyond).groupby(keys).mean()
    places = pd.MultiIndex.from_frame(error.index.to_frame()[["dataset", "network"]])
    dense = front[~front["failed"].astype(bool)].groupby(["dataset", "network", "arm"])[["test_macs", "error"]].mean()
    widest = dense.sort_values("test_macs").groupby(["dataset", "network"])["error"].last()
    wide = widest.reindex(places).to_numpy(dtype=float)
    shares = share_of_gap(error.to_numpy(), narrow=narrow.to_numpy(), wide=wide)
    return pd.Series(shares, index=error.index, dtype=float).unstack("arm")


def _caption(results: Results) -> str:
    ranked = rank_arms(results).iloc[0]
    return (
        f"Mean rank of each arm over {ranked['settings']} settings by its mean error, 1 the lowest. Two arms are told "
        f"apart from a difference of {ranked['critical_difference']:.2f} on (Nemenyi, 5 % for all pairs together; "
        f"Friedman's test of all being alike: p = {ranked['friedman_p']:.3g}); settings of one dataset are not "
        "independent, and count for less than they are. “Gap”: what an arm closes of the gap between the "
        f"{DENSE_FRONT} at its multiply-adds and the widest network on it, mean over settings; “regret”: how far that "
        "is below the best arm's. No verdict."
    )


RANKS = Table(
    name="ranks",
    title="Ranks over all settings",
    numbers=rank_arms,
    columns=(
        Column("arm", "arm"),
        Column("settings", "settings", str, outputs=("page",)),
        Column("mean_rank", "mean rank", lambda rank: number(rank, 2)),
        Column("gap_closed", "gap", lambda share: percent(share, 0)),
        Column("regret", "regret", lambda share: percent(share, 0)),
    ),
    caption=_caption,
)
