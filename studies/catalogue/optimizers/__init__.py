"""Every strategy under every optimiser, each at learning rates that were searched for it."""

from dataclasses import replace

import strategies
from studies.design import Arm, Primary, Search, Study, Sweep

# Of the network, and of the gaters; a search covers a third to three times these.
RATES = {"sgd": (0.3, 0.1), "momentum": (0.1, 0.01), "rmsprop": (0.002, 0.002), "adam": (0.004, 0.004)}

REACH = 3.0


def _arm(strategy: str, optimizer: str) -> Arm:
    """Return an arm with this optimiser and the strategy's defaults; a search varies only its two learning rates."""
    rates = dict(zip(("learning_rate", "gater_learning_rate"), RATES[optimizer], strict=True))
    return Arm(
        f"{strategy}, {optimizer}",
        strategy,
        training={"optimizer": optimizer, **rates},
        strategy_settings={name: domain.default for name, domain in strategies.find(strategy).space.items()},
        search={name: (rate / REACH, rate * REACH) for name, rate in rates.items()},
        levels={"optimizer": optimizer},
    )


ARMS = tuple(_arm(strategy, optimizer) for strategy in strategies.built_in() for optimizer in RATES)

SWEEP = Sweep(
    seeds=2,
    arms=ARMS,
    # Some rates open more blocks than others; whether a run keeps its budget is not the question here.
    training={"epochs": 7, "density_tolerance": 0.5},
    test_split="fixed",
    # Of three searches no difference could be told apart that is less than 39 of its standard deviations; of six, 3.
    search=Search(points=8, searches=6),
    looks=(6, 10, 20),
    references=(),
    primary=tuple(Primary(f"{strategy}, momentum", f"{strategy}, sgd") for strategy in ("reinforce", "top_k", "dense")),
    pairs=tuple((arm.name, f"{arm.strategy}, adam") for arm in ARMS if arm.levels["optimizer"] != "adam"),
)

STUDY = Study(
    question="What does momentum change for gates, and does the order of strategies depend on the optimiser?",
    source="retrospective, R4",
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            datasets=("digits",),
            search=Search(points=2, searches=2),
            looks=(),
        ),
        "default": SWEEP,
        "paper": replace(
            SWEEP,
            seeds=5,
            training={**SWEEP.training, "epochs": 25},
            search=Search(points=20, searches=10),
            looks=(10, 20),
        ),
    },
)
