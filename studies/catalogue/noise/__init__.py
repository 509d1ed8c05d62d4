"""Noise of the gates in training and at test time, and a reward or a price on their entropy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from studies.design import Arm, Study, Sweep
from studies.design.arm import Level

Kind = Literal["discrete", "Gaussian", "none"]


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

BERNOULLI = {"gates": "bernoulli"}

REINFORCE = Noise("Bernoulli (reinforce)", "discrete", "reinforce", BERNOULLI)

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
    Noise("Bernoulli, not at test time (reinforce)", "discrete", "reinforce", {**BERNOULLI, **THRESHOLD}),
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


STUDY = Study(
    question="Does discrete noise in the gates hurt, does a little Gaussian noise, and does forcing low entropy?",
    source="retrospective, R10",
    scales={
        "quick": sweep((-4.0, 0.0, 2.0), seeds=2, epochs=6),
        "default": sweep((-4.0, 0.0, 2.0), seeds=10, epochs=15),
        "paper": sweep((-4.0, -2.0, -1.0, 0.0, 1.0, 2.0), seeds=20, epochs=25),
    },
)
