"""When numbers count as equal."""

import numpy as np
from numpy.typing import ArrayLike

RELATIVE = 1e-12


def equal_but_for_rounding(values: ArrayLike) -> bool:
    """Whether ``values``, at least one, are equal to one part in 10^12.

    >>> equal_but_for_rounding([0.1 + 0.2, 0.3]), equal_but_for_rounding([0.3, 0.3001])
    (True, False)
    """
    return bool(np.ptp(values) <= RELATIVE * np.max(np.abs(values)))
