"""The dense front: dense networks of graded widths, from which the error of a dense network of any cost is read."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from core import data
from core.architecture import Architecture
from core.network.cost import dense_macs, dense_of_macs, gated_macs
from studies.design.arm import Arm
from studies.design.setting import Setting

# What contrasts name it as their reference.
DENSE_FRONT = "dense front"
# What strategies spend differs from what their budget foresees: passes cost more, and blocks without a gater less.
CHEAPEST, DEAREST = 0.4, 2.5
# Of many blocks the gater costs most, and who needs none, or hardly any, spends little beyond the open blocks.
OF_OPEN_BLOCKS = 0.9
STEP = math.sqrt(2)


def front_arms(settings: Iterable[Setting]) -> tuple[Arm, ...]:
    """Return the dense networks that span what gated ones spend in these settings.

    Their multiply-adds go from ``CHEAPEST`` times those of the cheapest setting, or ``OF_OPEN_BLOCKS`` times those of
    its open blocks, or those of a width of one unit, to ``DEAREST`` times those of the dearest, or those of the whole
    dense network, in steps of at most about ``STEP``.

    Args:
        settings: where there are gated networks to compare with.

    Returns:
        One arm per dataset and width; ``front_of`` says of which gated networks it is a dense version. With a single
        dataset, arms do not name it.

    At an eighth of 16 blocks of 16 units, 19 to 119 units have 2/5 to 5/2 of the multiply-adds:

    >>> [arm.network for arm in front_arms([Setting("mnist_5k", "16x16", 1 / 8)])]
    ['1x19', '1x26', '1x35', '1x48', '1x65', '1x88', '1x119']
    """
    arms: dict[tuple[str, str], Arm] = {}
    # Inputs and classes, and with them the multiply-adds of a width, are the dataset's.
    by_network: dict[tuple[str, str], list[Setting]] = {}
    for setting in settings:
        by_network.setdefault((setting.dataset, setting.network), []).append(setting)
    several = len({dataset for dataset, _ in by_network}) > 1
    for (dataset, network), cells in by_network.items():
        ends = [_ends(cell) for cell in cells]
        lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
        steps = max(1, math.ceil(math.log(highest / lowest) / math.log(STEP) - 1e-9))
        for macs in np.geomspace(lowest, highest, steps + 1):
            dense = dense_of_macs(_architecture(cells[0]), float(macs)).network
            known = arms.get((dataset, dense), _arm(dense, dataset if several else None))
            if network not in known.front_of:
                arms[dataset, dense] = replace(known, front_of=(*known.front_of, network))
    return tuple(arms.values())


def _arm(dense: str, dataset: str | None) -> Arm:
    name = ", ".join(part for part in (DENSE_FRONT, dense, dataset) if part)
    return Arm(name, "dense", dataset=dataset, network=dense, density=1.0)


def _ends(setting: Setting) -> tuple[int, int]:
    """The multiply-adds of the least and of the most expensive dense network to have for a setting."""
    architecture = _architecture(setting)
    nominal, whole = gated_macs(architecture, setting.target_density), dense_macs(architecture)
    open_units = [setting.target_density * layer.units for layer in architecture.layers]
    cheapest = min(CHEAPEST * nominal, OF_OPEN_BLOCKS * architecture.macs(open_units, gaters=False))
    dearest = min(DEAREST * nominal, max(nominal, whole))
    low, high = (dense_of_macs(architecture, target) for target in (cheapest, dearest))
    return dense_macs(low), dense_macs(high)


def _architecture(setting: Setting) -> Architecture:
    source, _ = data.find(setting.dataset)
    return Architecture.parse(setting.network, source.features, source.classes)
