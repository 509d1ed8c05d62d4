"""What may be said of a contrast."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from studies.results.statistics.intervals import t_interval

Verdict = Literal["better", "worse", "detectable but small", "equivalent", "inconclusive"]


def verdict(differences: ArrayLike, p_holm: float, *, delta: float, alpha: float = 0.05) -> Verdict:
    """Return the verdict on a contrast of two strategies.

    * better: ``p_holm < alpha``, and all of the t interval of the mean, at 1 - alpha, is below -delta.
    * worse: likewise, and all of it is above delta.
    * detectable but small: ``p_holm < alpha``, and neither; the difference may be smaller than delta.
    * equivalent: not detected, and the t interval at 1 - 2 alpha is inside (-delta, delta) (Schuirmann 1987).
    * inconclusive: anything else, and fewer than two differences.

    The mean of these is -0.10, its standard error 0.01 / sqrt(3), and its interval -0.10 +- 4.30 * 0.0058, that is
    -0.125 to -0.075; the 90 % interval is -0.10 +- 2.92 * 0.0058, that is -0.117 to -0.083:

    >>> differences = [-0.11, -0.10, -0.09]
    >>> verdict(differences, 0.01, delta=0.05), verdict(differences, 0.01, delta=0.1)
    ('better', 'detectable but small')
    >>> verdict(differences, 0.3, delta=0.12), verdict(differences, 0.3, delta=0.1)
    ('equivalent', 'inconclusive')

    Args:
        differences: [n], error of the strategy minus error of the reference on the same seed: negative is better.
        p_holm: adjusted p value of the contrast, see :func:`~studies.results.statistics.paired.holm`.
        delta: smallest difference of interest, at least 0, in the same units.
        alpha: family-wise level.

    Raises:
        ValueError: ``delta`` is negative.
    """
    if not delta >= 0:
        raise ValueError(f"the smallest difference of interest is at least 0, not {delta}")
    values: list[float] = np.asarray(differences, dtype=float).tolist()
    if len(values) < 2:
        return "inconclusive"
    if p_holm < alpha:
        low, high = t_interval(values, 1 - alpha)
        if high < -delta:
            return "better"
        if low > delta:
            return "worse"
        return "detectable but small"
    low, high = t_interval(values, 1 - 2 * alpha)
    return "equivalent" if -delta < low and high < delta else "inconclusive"
