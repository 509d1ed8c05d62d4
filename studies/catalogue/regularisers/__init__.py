"""What the paper's penalties do: to error and time, to early learning, and to the realised density (paper, figure 5).

With Adam and this suite's own defaults, not the paper's plain SGD: at 5,000 digits that is so slow that early learning
would be all there is to see (:mod:`studies.catalogue.paper_mnist`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from studies.design import Arm, Primary, Study, Sweep

# The paper's, which penalties alone keep to their density.
GATES = {"gates": "bernoulli", "density_price_rate": 0.0, "test_gates": "sampled"}

# What all arms have but for the one thing that they vary.
CENTRE: Mapping[str, float] = {"lambda_s": 1.0, "lambda_v": 0.1, "density": 1 / 8}


# Early learning is all that some arms are trained for.
EARLY_EPOCHS = 3


def _arms(values: Mapping[str, Sequence[float]]) -> tuple[Arm, ...]:
    """One arm with everything at its centre, one for each other value, and two that are trained for a few epochs."""

    def arm(name: str, levels: Mapping[str, float]) -> Arm:
        settings: dict[str, Any] = {**CENTRE, **levels}
        density = settings.pop("density")
        return Arm(name, "reinforce", strategy_settings={**GATES, **settings}, density=density, levels=levels)

    def early(value: float) -> Arm:
        weights = {**GATES, "lambda_s": CENTRE["lambda_s"], "lambda_v": value}
        training = {"epochs": EARLY_EPOCHS, "schedule": "constant"}
        return Arm(f"lambda_v {value:.4g}, early", "reinforce", training, weights, density=CENTRE["density"])

    others = (
        arm(f"{level} {value:.4g}", {level: value})
        for level, tried in values.items()
        for value in tried
        if value != CENTRE[level]
    )
    return (arm("centre", CENTRE), *others, early(0.0), early(1.0))


DECADES = {
    "lambda_s": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "lambda_v": (0.0, 0.03, 0.1, 0.3, 1.0, 3.0),
    "density": (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2),
}

FINER = {
    "lambda_s": (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0),
    "lambda_v": (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0),
    "density": (1 / 16, 3 / 32, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4),
}

# Density is what is measured here, so none is too high.
SWEEP = Sweep(
    seeds=6,
    arms=_arms(DECADES),
    training={"density_tolerance": 1000},
    references=(),
    # What error a strong penalty costs and a weak one spares, and whether variance between gates speeds learning.
    primary=(
        Primary("lambda_s 30", "centre"),
        Primary("lambda_s 0.03", "centre"),
        Primary("lambda_v 1, early", "lambda_v 0, early"),
    ),
    looks=(6, 10, 20),
    measurements=("pass_time",),
)

STUDY = Study(
    question="What do the paper's penalties buy: less time, faster early learning, the density that was asked for?",
    source="paper, section 4 and figure 5",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 6}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, arms=_arms(FINER), training={**SWEEP.training, "epochs": 50}),
    },
)
