"""What is sampled, and how its parameters learn: every estimator on every gate distribution, at equal budget."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from studies.design import Arm, Primary, Study, Sweep

# Estimators that are defined on all of the distributions, as strategies with settings.
ESTIMATORS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "score function (RLOO)": ("reinforce", {}),
    "straight-through": ("straight_through", {}),
    "ReinMax": ("straight_through", {"correction": "reinmax"}),
    "relaxation": ("gumbel_softmax", {}),
}
DISTRIBUTIONS: Final[Mapping[str, str]] = {"Bernoulli": "bernoulli", "exactly k": "exactly_k", "tree": "tree"}


def arm(estimator: str, distribution: str, strategy: str, settings: Mapping[str, Any]) -> Arm:
    """Return the arm of one cell of the table."""
    return Arm(
        f"{estimator}, {distribution}",
        strategy,
        strategy_settings=settings,
        levels={"estimator": estimator, "gates": distribution},
    )


# The balanced part of the table.
CROSSED: Final = tuple(
    arm(estimator, distribution, strategy, {**settings, "gates": gates})
    for estimator, (strategy, settings) in ESTIMATORS.items()
    for distribution, gates in DISTRIBUTIONS.items()
)
# Cells of estimators that are defined on some of the distributions only.
OTHERS: Final = (
    arm("local expectation", "Bernoulli", "local_expectation", {"gates": "bernoulli"}),
    arm("local expectation", "tree", "local_expectation", {"gates": "tree"}),
    arm("antithetic pairs", "Bernoulli", "disarm", {}),
    arm("imitation of search", "exactly k", "local_search", {}),
    arm("imitation of greedy", "exactly k", "greedy_structured", {}),
    arm("straight-through", "real, Gaussian", "gaussian_gates", {}),
    arm("straight-through", "real, hard concrete", "hard_concrete", {}),
)
CONTROLS: Final = (
    arm("none (random)", "Bernoulli", "random_blocks", {}),
    arm("none (random)", "exactly k", "random_exactly_k", {}),
    arm("none (random)", "tree", "random_leaf", {}),
    arm("none (hash by cluster)", "exactly k", "hashed_blocks", {}),
    arm("none (random gater)", "exactly k", "frozen_gater", {}),
)

PRIMARY: Final = (
    # The gates at the paper's estimator, another unbiased estimator at its gates, and search against it where both open
    # k blocks.
    Primary("score function (RLOO), exactly k", "score function (RLOO), Bernoulli"),
    Primary("antithetic pairs, Bernoulli", "score function (RLOO), Bernoulli"),
    Primary("imitation of search, exactly k", "score function (RLOO), exactly k"),
    Primary("imitation of greedy, exactly k", "score function (RLOO), exactly k"),
    Primary("score function (RLOO), exactly k"),
)

SWEEP = Sweep(
    seeds=10,
    arms=(*CROSSED, *OTHERS, *CONTROLS),
    # A cell that misses its budget is shown with its density, not failed.
    training={"epochs": 15, "density_tolerance": 10.0},
    primary=PRIMARY,
    looks=(6, 10, 16, 24),
)

STUDY = Study(
    question="What is the estimator worth, and what the gate distribution, when every one meets every other?",
    source="retrospective, R8, R9 and R10",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 3}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24, datasets=("mnist_5k", "mnist1d"), training={**SWEEP.training, "epochs": 25}),
    },
)
