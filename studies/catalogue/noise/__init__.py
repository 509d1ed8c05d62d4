"""Noise of the gates in training and at test time, and what is paid for their entropy, all at one realised density.

Every arm's gates are kept to the budget by a controlled price in training, and at test time by a threshold that is
calibrated on validation: a price of entropy alone would change how much is computed, and that the error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from studies.design import Arm, Primary, Study, Sweep
from studies.design.arm import Level

Kind = Literal["discrete", "Gaussian", "none"]


@dataclass(frozen=True)
class Entropy:
    """What is paid for the gates' entropy, in nats of loss per nat and block; and its floor, in nats per block."""

    price: float = 0.0
    floor: float = 0.0

    @property
    def name(self) -> str:
        return f"entropy floor {self.floor:g}" if self.floor else f"entropy {self.price:g}"


@dataclass(frozen=True)
class Noise:
    """Noise of the gates in training: a strategy under settings of its own."""

    name: str
    kind: Kind
    strategy: str
    settings: dict[str, Any] = field(default_factory=dict)

    def arm(self, entropy: Entropy) -> Arm:
        settings = {**CALIBRATED, **self.settings, "entropy": entropy.price, "entropy_floor": entropy.floor}
        levels: dict[str, Level] = {
            "noise": self.name,
            "kind": self.kind,
            "entropy": entropy.price,
            "floor": entropy.floor,
        }
        return Arm(self.named(entropy), self.strategy, strategy_settings=settings, levels=levels)

    def named(self, entropy: Entropy) -> str:
        return f"{self.name}, {entropy.name}"


CALIBRATED = {"test_gates": "calibrated"}

SAMPLED = {"test_gates": "sampled"}

BERNOULLI = {"gates": "bernoulli"}

REINFORCE = Noise("Bernoulli (reinforce)", "discrete", "reinforce", BERNOULLI)

STRAIGHT_THROUGH = Noise("Bernoulli (straight_through)", "discrete", "straight_through")

LIKELY = Noise("none (straight_through)", "none", "straight_through", {"train_gates": "threshold"})

GAUSSIAN = Noise("Gaussian, sigma 0.5", "Gaussian", "gaussian_gates", {"sigma": 0.5})

WITHOUT = Noise("none (gaussian_gates)", "none", "gaussian_gates", {"sigma": 0.5, "noise": 0.0})

TRAINED = (
    REINFORCE,
    STRAIGHT_THROUGH,
    LIKELY,
    Noise("Gaussian, sigma 0.1", "Gaussian", "gaussian_gates", {"sigma": 0.1}),
    GAUSSIAN,
    Noise("Gaussian, sigma 1", "Gaussian", "gaussian_gates", {"sigma": 1.0}),
    WITHOUT,
)

TESTED = (
    Noise("Bernoulli, at test time too (reinforce)", "discrete", "reinforce", {**BERNOULLI, **SAMPLED}),
    Noise("Bernoulli, at test time too (straight_through)", "discrete", "straight_through", SAMPLED),
)

NONE = Entropy()

# Above what the gates of every kind of noise have without it.
FLOOR = Entropy(floor=0.15)


def sweep(prices: Sequence[float], seeds: int, epochs: int) -> Sweep:
    """Return every kind of noise at every reward (or, below 0, price) of entropy, without one, and with a floor."""
    charged, paid = ([Entropy(price) for price in prices if (price < 0) == below] for below in (True, False))
    changed = (*charged, FLOOR, *paid)
    return Sweep(
        seeds=seeds,
        arms=(
            *(noise.arm(entropy) for noise in TRAINED for entropy in (*charged, NONE, FLOOR, *paid)),
            *(noise.arm(NONE) for noise in TESTED),
        ),
        training={"epochs": epochs},
        references=(),
        # Noise in training, then at test time, where nothing else differs, and what forces low entropy.
        primary=(
            Primary(STRAIGHT_THROUGH.named(NONE), LIKELY.named(NONE)),
            Primary(GAUSSIAN.named(NONE), WITHOUT.named(NONE)),
            *(
                Primary(tested.named(NONE), trained.named(NONE))
                for trained, tested in zip((REINFORCE, STRAIGHT_THROUGH), TESTED, strict=True)
            ),
            Primary(REINFORCE.named(charged[0]), REINFORCE.named(NONE)),
        ),
        looks=(6, 10, 16, 24),
        pairs=tuple((noise.named(entropy), noise.named(NONE)) for noise in TRAINED for entropy in changed),
    )


STUDY = Study(
    question="At equal density: does discrete noise in the gates hurt, does Gaussian noise, does forcing low entropy?",
    source="retrospective, R10",
    scales={
        "quick": sweep((-4.0, 2.0), seeds=2, epochs=6),
        "default": sweep((-4.0, 2.0), seeds=10, epochs=15),
        "paper": sweep((-4.0, -2.0, -1.0, 1.0, 2.0), seeds=24, epochs=25),
    },
)
