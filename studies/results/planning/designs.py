"""The designs of studies, simulated: how often each would say what is not so, and what it would find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.seeding import SeedStreams
from studies.design.freezing import FrozenStudy
from studies.design.setting import Setting
from studies.results.independent import independent
from studies.results.pairing import Pairing
from studies.results.planning.simulation import simulate
from studies.results.results import Results

# Of the paired differences, where a study has not been run: delta is 5 % of an error, and seeds vary more than that.
ASSUMED_DELTA = 0.5


@dataclass(frozen=True)
class Simulated:
    """What came of a study's design.

    Attributes:
        study: its name.
        looks: numbers of seeds, or of searches.
        contrasts: primary ones.
        delta: the smallest difference that matters, in standard deviations of the differences.
        own: whether the differences are the study's own, drawn again.
        error_if_none: share of studies in which any contrast is called better or worse where none differs.
        error_at_delta: share of studies in which any word is false where all differ by delta.
        coverage: share of studies in which all intervals hold the true difference, at every look that is taken.
        detectable: the difference that is found with probability .8, in standard deviations; NaN where none is.
        power: share of contrasts in which it is found; a little less where some end as equivalent before.
        units: mean number of seeds, or of searches, that this takes.
    """

    study: str
    looks: tuple[int, ...]
    contrasts: int
    delta: float
    own: bool
    error_if_none: float
    error_at_delta: float
    coverage: float
    detectable: float
    power: float
    units: float


@dataclass(frozen=True)
class Observed:
    """What a finished study says of its paired differences.

    Attributes:
        delta: mean smallest difference that matters, in standard deviations of the differences.
        differences: of all primary contrasts, each centred and scaled to a standard deviation of 1.
    """

    delta: float
    differences: tuple[float, ...]

    @classmethod
    def of(cls, results: Results) -> "Observed | None":
        """Return it of a study, None where no primary contrast has a spread."""
        contrasts = results.contrasts
        shown = contrasts[contrasts["primary"].astype(bool) & (contrasts["std"] > 0)]
        if shown.empty:
            return None
        pairing = Pairing(results.counted, results.front)
        seen: list[float] = []
        for row in shown.to_dict("records"):
            setting = Setting(row["dataset"], row["network"], row["target_density"])
            found = pairing.pair(setting, row["arm"], row["reference"])
            assert found is not None
            differences = independent(found.differences, results.protocol.search)
            seen += ((differences - differences.mean()) / differences.std()).tolist()
        return cls(float((shown["delta"] / shown["std"]).mean()), tuple(seen))


def simulate_design(
    frozen: FrozenStudy, observed: Observed | None, *, distribution: str, replications: int
) -> Simulated | None:
    """Simulate a study's design; None where it has no primary contrasts.

    Differences are in units of their standard deviation. A finished study gives its own, drawn again, and its delta;
    any other has differences of a ``distribution`` and a delta of ``ASSUMED_DELTA``.

    Args:
        frozen: the study.
        observed: of its results, if there are any.
        distribution: a key of :data:`studies.results.planning.simulation.DISTRIBUTIONS`.
        replications: studies that are simulated.
    """
    protocol = frozen.protocol
    if not protocol.contrasts:
        return None
    drawn: str | Sequence[float] = distribution if observed is None else observed.differences
    delta = ASSUMED_DELTA if observed is None else observed.delta
    table = simulate(
        protocol.looks,
        contrasts=protocol.contrasts,
        alpha=protocol.alpha,
        delta=delta,
        std=1.0,
        rng=SeedStreams(frozen.sweep.root_seed, "bootstrap", frozen.study, 0).numpy("simulation"),
        distribution=drawn,
        replications=replications,
    )
    scenario = table["scenario"]
    at_delta = table[scenario.isin(["delta, worse", "delta, better"])]
    found = table[scenario.str.startswith("detectable")]
    either = [found.loc[scenario == f"detectable, {word}", word].sum() for word in ("worse", "better")]
    return Simulated(
        study=frozen.study,
        looks=protocol.looks,
        contrasts=protocol.contrasts,
        delta=delta,
        own=observed is not None,
        error_if_none=float(table.loc[scenario == "no difference", "family_error"].iloc[0]),
        error_at_delta=float(at_delta["family_error"].max()),
        coverage=float(table["family_coverage"].min()),
        detectable=float(found["difference"].max()) if len(found) else np.nan,
        power=float(np.mean(either)) if len(found) else np.nan,
        units=float(found["seeds"].mean()) if len(found) else np.nan,
    )
