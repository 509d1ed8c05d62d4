"""Values that change in the course of training."""


def geometric(start: float, end: float, progress: float) -> float:
    """Go from ``start`` to ``end`` in equal ratios, as temperatures do.

    >>> geometric(1.0, 0.25, 0.5)
    0.5
    """
    return float(start * (end / start) ** progress)


def linear(start: float, end: float, progress: float) -> float:
    """Go from ``start`` to ``end`` in equal steps.

    >>> linear(1.0, 0.0, 0.25)
    0.75
    """
    return start + (end - start) * progress


def warm_up(progress: float, share: float) -> float:
    """Rise from 0 to 1 in equal steps over the first ``share`` of training; 1 throughout if that is 0.

    >>> warm_up(0.125, 0.5), warm_up(0.75, 0.5), warm_up(0.0, 0.0)
    (0.25, 1.0, 1.0)
    """
    return min(1.0, progress / share) if share > 0 else 1.0
