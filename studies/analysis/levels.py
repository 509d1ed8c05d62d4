"""What the arms of a study stand for, as columns of its tables."""

import json

import pandas as pd


def with_levels(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return a table with what its arms stand for: ``base_strategy``, ``family``, and a column for every level.

    Args:
        table: with the column ``strategy``, the names of arms.
        runs: ``studies.results.RUN_COLUMNS``, of the same arms.

    >>> runs = pd.DataFrame({"strategy": ["top_k, sgd"] * 2, "base_strategy": "top_k", "family": "routing",
    ...                      "levels": ['{"optimizer": "sgd"}'] * 2})
    >>> with_levels(pd.DataFrame({"strategy": ["top_k, sgd"], "mean": [0.1]}), runs).iloc[0].to_dict()
    {'strategy': 'top_k, sgd', 'mean': 0.1, 'base_strategy': 'top_k', 'family': 'routing', 'optimizer': 'sgd'}
    """
    arms = runs.drop_duplicates("strategy")[["strategy", "base_strategy", "family", "levels"]].reset_index(drop=True)
    levels = pd.DataFrame([json.loads(text) for text in arms["levels"]])
    return table.merge(arms.drop(columns="levels").join(levels), on="strategy", how="left", validate="many_to_one")
