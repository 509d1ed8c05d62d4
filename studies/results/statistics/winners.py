"""What becomes of the best of a few noisy scores when the same thing is scored again."""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from scipy import special


def expected_of_best(scores: Sequence[float], afterwards: Sequence[float], k: int) -> tuple[float, float]:
    """Return the expected score of the best of ``k`` points, and the expected score of that same point afterwards.

    It is the mean over all subsets of size k, as in :func:`studies.results.statistics.curves.expected_best`: the point
    of the i-th lowest score is chosen in those subsets whose other k - 1 points are among the N - i above it. Of points
    with equal scores each is chosen equally often. The second minus the first is by how much the winner's score was too
    good.

    Three points scored 1, 2 and 3, and afterwards all 2. The winners of the three pairs scored 1, 1 and 2:

    >>> at_first, later = expected_of_best([3.0, 1.0, 2.0], [2.0, 2.0, 2.0], 2)
    >>> round(at_first, 4), round(later, 4), round(later - at_first, 4)
    (1.3333, 2.0, 0.6667)

    Args:
        scores: [N], by which is chosen; lower is better.
        afterwards: [N], the same points' other scores.
        k: how many points are compared.

    Raises:
        ValueError: ``k`` is not among 1..N, or there are not as many scores afterwards.
    """
    n = len(scores)
    if not 1 <= k <= n:
        raise ValueError(f"k is among 1..{n}, not {k}")
    others: dict[float, list[float]] = defaultdict(list)
    for score, other in zip(scores, afterwards, strict=True):
        others[score].append(other)
    subsets = special.comb(n, k, exact=True)
    weights = [special.comb(n - rank, k - 1, exact=True) / subsets for rank in range(1, n + 1)]
    ascending = sorted(scores)
    at_first = math.fsum(weight * score for weight, score in zip(weights, ascending, strict=True))
    later = math.fsum(weight * fmean(others[score]) for weight, score in zip(weights, ascending, strict=True))
    return at_first, later
