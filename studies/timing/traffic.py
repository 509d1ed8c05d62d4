"""How many bytes of weights a case has to read: a floor of its time where the nearest cache does not hold them."""

import itertools
import math
from collections.abc import Iterator

from core.network.cost import equal_macs_dense
from studies.timing.cases import MLP, MLP_TEST_EXAMPLES, NETWORK_KINDS, Case

FLOAT_BYTES = 4
# Input units, output units, and the share of the weights between them that one row reads.
Product = tuple[int, int, float]


def weight_bytes(case: Case) -> float | None:
    """Return the bytes of weights that ours reads: in each batch every tile that a row opens; None in training.

    Expected, as if rows opened tiles independently: of 64 tiles of 64 x 64 floats, of which each row opens one in 64,
    128 rows open 1 - (63/64)^128 = 87 %.

    >>> layer = Case("minibatch", 128, 512, 512, 64, 1 / 8, "both")
    >>> round(weight_bytes(layer)), baseline_weight_bytes(layer)
    (908890, 1048576.0)
    """
    return _bytes(case, _gated(case))


def baseline_weight_bytes(case: Case) -> float | None:
    """Return those that the baseline reads: all of its weights in each batch; None in training."""
    return _bytes(case, _dense(case))


def _bytes(case: Case, products: Iterator[Product]) -> float | None:
    if "training" in case.case or case.case == "mlp_epoch":
        return None
    batches = math.ceil(MLP_TEST_EXAMPLES / case.batch) if case.case == "mlp_test_pass" else 1
    floats = sum(d_in * d_out * (1 - (1 - share) ** case.batch) for d_in, d_out, share in products)
    return FLOAT_BYTES * batches * floats


def _gated(case: Case) -> Iterator[Product]:
    density = case.density
    if case.case in NETWORK_KINDS:
        below, read = MLP.features, 1.0
        for layer in MLP.layers:
            yield below, layer.blocks, read
            yield below, layer.units, density * read
            below, read = layer.units, density
        yield below, MLP.classes, read
    elif case.gated == "hidden":
        yield case.d_in, case.hidden, density
        yield case.hidden, case.d_out, density
    else:
        yield case.d_in, case.d_out, density**2 if case.gated == "both" else density


def _dense(case: Case) -> Iterator[Product]:
    equal = case.baseline == "dense_equal_macs"
    if case.case in NETWORK_KINDS:
        layers = (equal_macs_dense(MLP, case.density) if equal else MLP).layers
        widths = [MLP.features, *(layer.units for layer in layers), MLP.classes]
    elif case.gated == "hidden":
        widths = [case.d_in, round(case.density * case.hidden) if equal else case.hidden, case.d_out]
    else:
        widths = [case.d_in, case.d_out]
    yield from ((below, above, 1.0) for below, above in itertools.pairwise(widths))
