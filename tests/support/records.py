"""Finished studies made of invented records, so that nothing has to be trained."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core import data
from core.architecture import Architecture
from core.data.metric import chance_error
from core.network.cost import dense_macs, gated_macs
from core.seeding import SeedStreams
from core.training.assembly import joined, untrained
from strategies import Plugin, find
from studies.design import Primary, Sweep
from studies.design.configuration import Configuration
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList
from studies.records import bits, environment, provenance
from studies.records.folder import Frozen, ResultsFolder
from studies.records.hits import packed
from studies.records.kept_network import Description, KeptNetwork, copied
from studies.records.networks import Networks

CHANCE = 0.9
# Examples of an invented dataset.
POOL = 1250
# What a run has nothing to show for.
CAME_TO_NOTHING = frozenset({"error", "timeout", "died"})
Failures = Mapping[tuple[str, int], str]


def design_of(
    *strategies: str, seeds: int = 3, study: str = "quickstart", plugins: tuple[Plugin, ...] = (), **changes: Any
) -> FrozenStudy:
    """A frozen study; every contrast of a gated strategy with a reference that takes part is primary."""
    # Without the dense front, whose networks would be more than all the others.
    plain: dict[str, Any] = {"datasets": ("digits",), "networks": ("8x2",), "references": ("small_dense",)}
    sweep = {**plain, "training": {"epochs": 3}, **changes}
    chosen = strategies or ("dense", "reinforce")
    gated = [name for name in chosen if find(name, plugins).gated]
    every = (Primary(name, reference) for reference in sweep["references"] for name in gated if name != reference)
    sweep.setdefault("primary", tuple(entry for entry in every if entry.reference in chosen))
    return FrozenStudy.freeze(study, "default", Sweep(seeds=seeds, strategies=chosen, **sweep), plugins)


def configurations_of(design: FrozenStudy) -> list[Configuration]:
    """The runs on the evaluation seeds at the arms' own settings."""
    seeds = range(design.sweep.seeds)
    return [design.configuration(*where, "evaluate", seed) for seed in seeds for where in design.combinations()]


@cache
def made_by(strategy: str, measurements: tuple[str, ...], plugins: tuple[Plugin, ...]) -> dict[str, Any]:
    """What a record made here and now says of its making."""
    design = design_of(strategy, seeds=1, plugins=plugins, measurements=measurements)
    return provenance.of(configurations_of(design)[0], plugins, "cpu")


def record_of(
    configuration: Configuration, status: str = "ok", reason: str = "", plugins: tuple[Plugin, ...] = ()
) -> dict[str, Any]:
    """A record as it comes back from a run, with numbers drawn from the run's id."""
    source, _ = data.find(configuration.dataset)
    architecture = Architecture.parse(configuration.network, source.features, source.classes)
    strategy = find(configuration.strategy, plugins)
    whole = dense_macs(architecture)
    random = np.random.default_rng(int(configuration.run_id, 16))
    record: dict[str, Any] = {
        "run_id": configuration.run_id,
        "family": strategy.family,
        "gated": strategy.gated,
        "status": status,
        "reason": reason,
        "dense_macs": whole,
        "chance_error": chance_error(source.metric, source.classes),
        "config": configuration.as_dict(),
        **made_by(configuration.strategy, configuration.measurements, plugins),
    }
    if status in CAME_TO_NOTHING:
        return record
    epochs = configuration.training["epochs"]
    density = configuration.target_density * random.uniform(0.9, 1.2) if strategy.gated else 1.0
    spent = gated_macs(architecture, density) if strategy.gated else float(whole)
    # Of bits ten times as many.
    unit = 10.0 if source.metric == "bits" else 1.0
    errors = (unit * np.sort(random.uniform(0.03, 0.3, size=epochs + 1))[::-1]).tolist()
    record |= {
        "epochs": epochs,
        "train_macs": 3.0 * whole * random.uniform(0.5, 1.0),
        "train_seconds": random.uniform(0.1, 5.0),
        "history": [
            {
                "epoch": epoch + 1,
                "train_loss": errors[epoch],
                "validation_error": errors[epoch],
                "validation_loss": errors[epoch] * 3,
                "validation_density": density,
                "validation_macs": whole * density,
                "train_macs": 1000.0 * (epoch + 1),
                "train_seconds": 0.1 * (epoch + 1),
            }
            for epoch in range(epochs)
        ],
    }
    if status not in ("ok", "over_budget"):
        return record
    record |= {
        "chosen_epoch": epochs,
        "validation_error": errors[-2],
        "validation_density": density,
        "validation_macs": spent,
    }
    if configuration.stage == "search":
        return record
    return record | {
        **tested(errors[-1] + unit * random.uniform(0.0, 0.1), configuration),
        "test_loss": random.uniform(0.1, 2.0),
        "test_error_fallback": errors[-1] if strategy.gated else None,
        "test_density": density,
        "test_density_fallback": density * 1.1 if strategy.gated else None,
        "all_closed": random.uniform(0.0, 0.3) if strategy.gated else 0.0,
        "dead_blocks": int(random.integers(0, 3)) if strategy.gated else 0,
        "gate_entropy": random.uniform(0.0, 0.7) if strategy.gated else None,
        "test_macs": spent,
        "gates_by_class": [
            (
                random.random((source.classes, layer.blocks))
                if strategy.gated
                else np.ones((source.classes, layer.blocks))
            )
            .round(3)
            .tolist()
            for layer in architecture.layers
        ],
    }


def network_of(record: Mapping[str, Any]) -> bytes | None:
    """The untrained network of a record, as if it were the trained one; None where none belongs to it."""
    if not Networks.belongs_to(record):
        return None
    configuration = Configuration.from_dict(record["config"])
    source, _ = data.find(configuration.dataset)
    shape = source.features, source.classes, configuration.activation
    network, strategy = untrained(
        find(configuration.strategy),
        configuration.strategy_settings,
        Architecture.parse(configuration.network, *shape),
        SeedStreams(0, "evaluate", configuration.dataset, configuration.seed),
        density=configuration.target_density,
    )
    described = Description(configuration, source.features, source.classes, 0.5, 2.0)
    kept = KeptNetwork(described, copied(joined(network, strategy).state_dict()))
    return kept.recorded(record).content()


def tested(error: float, configuration: Configuration) -> dict[str, Any]:
    """The test error nearest to ``error`` that 250 examples can have, or bits, and what examples came to.

    Which examples they are, and which of them all networks find easy, is the same for one seed of resampled splits, and
    for all seeds of fixed ones.
    """
    seed = 0 if configuration.test_split == "fixed" else configuration.seed
    dataset = np.random.default_rng([seed, 250])
    indices = np.sort(dataset.permutation(POOL)[:250])
    own = np.random.default_rng(int(configuration.run_id, 16))
    if data.metric_of(configuration.dataset) == "bits":
        held = bits.packed(indices.tolist(), own.exponential(error, size=250).tolist())
        return {"test_error": float(bits.unpacked(held)[1].mean()), "test_bits": held}
    difficulty = np.random.default_rng(250).normal(size=POOL)[indices] + own.normal(size=250)
    wrong = np.zeros(250, dtype=bool)
    wrong[np.argsort(difficulty)[250 - round(error * 250) :]] = error > 0
    return {"test_error": float(wrong.mean()), "test_hits": packed(indices.tolist(), (~wrong).tolist())}


def forget(folder: ResultsFolder, run_id: str) -> None:
    """Delete a run's record."""
    (folder.path / "runs" / f"{run_id}.json").unlink()


@cache
def this_environment() -> dict[str, Any]:
    return environment.describe()


def finished(
    results: Path,
    design: FrozenStudy,
    failures: Failures | None = None,
    *,
    reason: str = "lost its way",
    plugins: tuple[Plugin, ...] = (),
) -> ResultsFolder:
    """A folder in which every run of ``design`` is finished; ``failures`` gives a status by strategy and seed."""
    folder = ResultsFolder(results, design.study)
    folder.freeze(Frozen(design, this_environment()))
    # The search's winners decide what is evaluated.
    for stage in ("search", "evaluate"):
        for run in RunList.of(design, folder.ledger).runs:
            configuration = run.configuration
            if configuration.stage == stage:
                status = (failures or {}).get((configuration.strategy, configuration.seed), "ok")
                record = record_of(configuration, status, reason if status != "ok" else "", plugins)
                folder.ledger.add({**record, "design_hash": design.design_hash})
    return folder
