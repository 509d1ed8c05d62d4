"""Noise of the gates in training and at test time, and a reward or a price on their entropy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from core.strategy import Family
from studies.analysis.levels import with_levels
from studies.arm import Arm, Level
from studies.figures.by_level import by_level
from studies.figures.error_against import error_against
from studies.figures.notes import sample_note
from studies.figures.panels import Labels
from studies.figures.seeds import SEEDS
from studies.formatting import number, percent
from studies.results import GROUP, SETTING, Results
from studies.study import Study, Sweep
from studies.table import Column, Table

Kind = Literal["discrete", "Gaussian", "none"]

# Whose hues the kinds of noise have in figures.
HUES: dict[Kind, Family] = {"discrete": "policy gradient", "Gaussian": "relaxation", "none": "control"}


@dataclass(frozen=True)
class Noise:
    """Noise of the gates in training: a strategy under settings of its own."""

    name: str
    kind: Kind
    strategy: str
    settings: dict[str, Any] = field(default_factory=dict)

    def arm(self, entropy: float) -> Arm:
        settings = {**self.settings, "entropy": entropy}
        levels: dict[str, Level] = {"noise": self.name, "kind": self.kind, "entropy": entropy}
        return Arm(self.named(entropy), self.strategy, strategy_settings=settings, levels=levels)

    def named(self, entropy: float) -> str:
        return f"{self.name}, entropy {entropy:g}"


THRESHOLD = {"test_gates": "threshold"}
REINFORCE = Noise("Bernoulli (reinforce)", "discrete", "reinforce")
SAMPLED = Noise("Bernoulli (straight_through)", "discrete", "straight_through")
LIKELY = Noise("none (straight_through)", "none", "straight_through", {"train_gates": "threshold", **THRESHOLD})
GAUSSIAN = Noise("Gaussian, sigma 0.5", "Gaussian", "gaussian_gates", {"sigma": 0.5})
WITHOUT = Noise("none (gaussian_gates)", "none", "gaussian_gates", {"sigma": 0.5, "noise": 0.0})
TRAINED = (
    REINFORCE,
    SAMPLED,
    LIKELY,
    Noise("Gaussian, sigma 0.1", "Gaussian", "gaussian_gates", {"sigma": 0.1}),
    GAUSSIAN,
    Noise("Gaussian, sigma 1", "Gaussian", "gaussian_gates", {"sigma": 1.0}),
    WITHOUT,
)
TESTED = (
    Noise("Bernoulli, not at test time (reinforce)", "discrete", "reinforce", THRESHOLD),
    Noise("Bernoulli, not at test time (straight_through)", "discrete", "straight_through", THRESHOLD),
)


def sweep(prices: Sequence[float], seeds: int, epochs: int) -> Sweep:
    """Return every kind of noise at every reward (or, below 0, price) of entropy, which 0 must be among."""
    changed = [price for price in prices if price != 0]
    return Sweep(
        seeds=seeds,
        arms=(*(noise.arm(price) for noise in TRAINED for price in prices), *(noise.arm(0.0) for noise in TESTED)),
        # Not about keeping to a budget: the realised density stands beside every error.
        training={"epochs": epochs, "density_tolerance": 10.0},
        references=(),
        pairs=(
            *((noise.named(price), noise.named(0)) for noise in TRAINED for price in changed),
            # Noise in training, then at test time, where nothing else differs.
            (TESTED[1].named(0), LIKELY.named(0)),
            (GAUSSIAN.named(0), WITHOUT.named(0)),
            *(
                (trained.named(0), tested.named(0))
                for trained, tested in zip((REINFORCE, SAMPLED), TESTED, strict=True)
            ),
        ),
    )


def _table(results: Results) -> pd.DataFrame:
    """A row per arm: its error with interval, and what its gates are like."""
    runs = results.counted.astype({"gate_entropy": float})
    gates = runs.groupby(list(GROUP), sort=False)["gate_entropy"].mean().reset_index()
    return with_levels(results.summary.merge(gates, on=list(GROUP), validate="one_to_one"), results.runs)


def _by_price(results: Results) -> pd.DataFrame:
    table = _table(results)
    table = table[table["noise"].isin([noise.name for noise in TRAINED])]
    shown = table[list(SETTING)].assign(
        strategy=table["noise"],
        family=table["kind"].map(HUES),
        # As words: they stand side by side, whatever their distance.
        level=[f"{price:+g}".replace("-", "−").replace("+0", "none") for price in table["entropy"]],
        **{key: 100 * table[column] for key, column in (("value", "mean"), ("low", "ci_low"), ("high", "ci_high"))},
    )
    return shown.reset_index(drop=True)


def _series(runs: pd.DataFrame) -> pd.DataFrame:
    levels = with_levels(runs[["strategy"]], runs)
    return pd.DataFrame({"strategy": levels["noise"], "family": levels["kind"].map(HUES)})


TABLE = Table(
    name="noise",
    title="Error and gates by noise and price of entropy",
    numbers=_table,
    columns=(
        Column("noise", "noise"),
        Column("entropy", "entropy", lambda value: f"{value:g}".replace("-", "−")),
        Column("mean", "test error", percent),
        Column("ci_low", "from", percent),
        Column("ci_high", "to", percent),
        Column("test_error_fallback", "with fallback", percent),
        Column("test_density", "density", percent),
        Column("gate_entropy", "gate entropy (nats)", lambda value: number(value, 3)),
        Column("all_closed", "fully closed", percent),
        Column("dead_blocks", "dead", lambda value: number(value, 1)),
    ),
    caption=lambda results: (
        "Test error with its 95 % t interval over seeds, with own gates and with the fallback, realised density and "
        "the mean entropy of the gates' own open-probabilities per block. " + sample_note(results)
    ),
)

AGAINST_ENTROPY = error_against(
    "error_against_entropy",
    "Error against the entropy of the gates",
    "realised entropy of the gates (nats per block)",
    lambda results: results.counted["gate_entropy"],
    "Test error with own gates against the mean entropy of the gates' own open-probabilities on the test split.",
    series=_series,
)

BY_PRICE = by_level(
    "error_by_price",
    "Error by noise and price of entropy",
    Labels("reward per nat and block of entropy (below 0 a price)", "test error (%)"),
    _by_price,
    "Test error with own gates: means over seeds and 95 % t intervals, by noise in training and by what is paid or "
    "charged for entropy.",
    log=True,
)

STUDY = Study(
    question="Does discrete noise in the gates hurt, does a little Gaussian noise, and does forcing low entropy?",
    source="retrospective, R10",
    figures=(AGAINST_ENTROPY, BY_PRICE, SEEDS),
    tables=(TABLE,),
    scales={
        "quick": sweep((-4.0, 0.0, 2.0), seeds=2, epochs=6),
        "default": sweep((-4.0, 0.0, 2.0), seeds=10, epochs=15),
        "paper": sweep((-4.0, -2.0, -1.0, 0.0, 1.0, 2.0), seeds=20, epochs=25),
    },
)
