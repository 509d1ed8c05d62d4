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
