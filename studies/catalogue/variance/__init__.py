"""What seeds vary, how good gradient estimators are, and whether a better estimator buys a lower error."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from core.seeding import Varied
from studies.design import Arm, Primary, Study, Sweep
from studies.design.arm import Level

SOURCES: tuple[Varied, ...] = get_args(Varied)

ALL = "all"

# Enumerating all gates takes two to the number of blocks passes.
SMALL = "8x16"


@dataclass(frozen=True)
class Estimator:
    """A gradient estimator: a strategy with Bernoulli gates under settings of its own."""

    name: str
    strategy: str
    settings: dict[str, Any] = field(default_factory=dict)
    unbiased: bool = True
    followed: bool = False

    def arm(self, epochs: int) -> Arm:
        """Return the arm that trains for so long; a shorter one is the beginning of a longer one."""
        training = {"epochs": epochs, "schedule": "constant", "selection": "last"}
        levels: dict[str, Level] = {"estimator": self.name, "epochs": epochs}
        return Arm(self.named(epochs), self.strategy, training, self.settings, network=SMALL, levels=levels)

    def named(self, epochs: int) -> str:
        return f"{self.name}, {epochs} epoch{'s' if epochs > 1 else ''}"


def _reinforce(baseline: str, samples: int = 0, *, followed: bool = False) -> Estimator:
    settings = {"gates": "bernoulli", "baseline": baseline, **({"samples": samples} if samples else {})}
    name = f"reinforce, {f'{samples} samples' if samples else baseline}"
    return Estimator(name, "reinforce", settings, baseline != "batch_minimum", followed)


def _gumbel(mode: str) -> Estimator:
    # A temperature that fell with progress would not be the same in runs of different lengths.
    settings = {"mode": mode, "first_temperature": 0.5, "last_temperature": 0.5}
    return Estimator(f"gumbel_softmax, {mode}", "gumbel_softmax", settings, unbiased=False, followed=mode == "hard")


NOISIEST = _reinforce("none", followed=True)

LEAST_NOISY = Estimator("local_expectation", "local_expectation", followed=True)

ESTIMATORS = (
    NOISIEST,
    _reinforce("batch_minimum"),
    _reinforce("batch_mean", followed=True),
    _reinforce("learned"),
    _reinforce("samples", 2, followed=True),
    _reinforce("samples", 4),
    Estimator("disarm", "disarm"),
    LEAST_NOISY,
    Estimator("straight_through", "straight_through", unbiased=False, followed=True),
    _gumbel("hard"),
    _gumbel("soft"),
)

UNBIASED = tuple(estimator.name for estimator in ESTIMATORS if estimator.unbiased)


def _varied(strategy: str, source: Varied | None) -> Arm:
    words = f"only {source}" if source else "all sources"
    return Arm(f"{strategy}, {words}", strategy, varied=source, levels={"source": source or ALL})


def sweep(seeds: int, epochs: int, lengths: Sequence[int], *, all_followed: bool = False) -> Sweep:
    """Return both parts of the study.

    Args:
        seeds: of each arm.
        epochs: of the arms whose seeds vary one source.
        lengths: epochs of the estimators' runs; those that are not followed are run for the last of them.
        all_followed: whether every estimator is followed.
    """
    sources = tuple(
        _varied(strategy, source)
        for strategy in ("reinforce", "straight_through", "top_k", "small_dense")
        for source in (None, *SOURCES)
        # A dense network has no gates to draw.
        if (strategy, source) != ("small_dense", "gates")
    )
    estimators = tuple(
        estimator.arm(length)
        for estimator in ESTIMATORS
        for length in lengths
        if estimator.followed or all_followed or length == lengths[-1]
    )
    return Sweep(
        seeds=seeds,
        arms=(*sources, *estimators),
        # Not about keeping to a budget: the realised density stands beside every error.
        training={"epochs": epochs, "density_tolerance": 10.0},
        references=(),
        # Of those without bias, the noisiest against the least noisy.
        primary=tuple(Primary(NOISIEST.named(length), LEAST_NOISY.named(length)) for length in lengths),
        looks=(8, 24),
        measurements=("estimator",),
    )


STUDY = Study(
    question="How far do seeds lie apart, how noisy are gradient estimators, and does less noise buy a lower error?",
    source="retrospective, R8",
    scales={
        "quick": sweep(2, epochs=2, lengths=(1, 4)),
        "default": sweep(8, epochs=10, lengths=(1, 4, 16)),
        "paper": sweep(24, epochs=25, lengths=(1, 4, 16, 64), all_followed=True),
    },
)
