"""What the intervals of a study cover, in words: seeds alone, or test examples as well."""

import pandas as pd

BOTH = "seeds and test examples"


def over(table: pd.DataFrame) -> str:
    """Return what the intervals of a table are over: all of them, none or some also over test examples.

    Args:
        table: with ``n`` and ``example_std``, which is missing where a row's runs do not say what they were right on.

    >>> over(pd.DataFrame({"n": [3], "example_std": [0.01]})), over(pd.DataFrame({"n": [3], "example_std": [None]}))
    ('seeds and test examples', 'seeds alone, not test examples')
    """
    known = table.loc[table["n"] > 1, "example_std"].notna()
    if known.all() and len(known):
        return BOTH
    if known.any():
        return "seeds, and over test examples where records say which of them a network was right on"
    return "seeds alone, not test examples"
