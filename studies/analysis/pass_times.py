"""How long a pass over the test split took, run by run."""

import pandas as pd

from studies.results import Results


def with_pass_times(results: Results) -> pd.DataFrame:
    """Return the counted runs with what the measurement ``pass_time`` found, missing where a run was not tested.

    The columns are those of :attr:`studies.results.Results.counted`, and ``examples``, ``seconds``, ``masked_seconds``
    and their ratio ``speedup``: masked over kernels.
    """
    counted = results.counted
    found = [results.records[place].get("measured", {}).get("pass_time", {}) for place in counted.index]
    times = pd.DataFrame(found, index=counted.index, columns=["examples", "seconds", "masked_seconds"]).astype(float)
    return counted.join(times).assign(speedup=times["masked_seconds"] / times["seconds"]).reset_index(drop=True)
