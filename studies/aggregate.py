"""From the ledger to tables: one row per run, and what is derived from those rows and nothing else."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.settings import density_limit
from studies.configuration import Configuration
from studies.contrasts import contrast
from studies.hypervolumes import measure_hypervolumes
from studies.ledger import Ledger
from studies.optimism import measure_optimism
from studies.overall import measure_overall
from studies.plan import Plan, PlannedRun
from studies.results import GROUP, RUN_COLUMNS, WINNER_COLUMNS, Results, with_counted_errors
from studies.statistics import interquartile_mean, sample_std, t_interval
from studies.study import Design


def collect(design: Design, ledger: Ledger) -> Results:
    """Read every run of the design and aggregate.

    Raises:
        InputError: a run is missing; nothing is reported on an unfinished study.
    """
    plan = Plan.of(design, ledger)
    missing = ledger.missing(run.configuration.run_id for run in plan.runs)
    if missing:
        of = "the search" if plan.search and not plan.winners else "the runs"
        raise InputError(
            f"{len(missing)} of {len(plan.runs)} runs of {design.study!r} are missing in {of}: "
            f"the command that began it (python -m studies run {design.study} ..., with its options) runs them"
        )
    records = tuple(ledger.read(run.configuration.run_id) for run in plan.runs)
    return derive(design, plan, records)


def derive(design: Design, plan: Plan, records: Sequence[dict[str, Any]]) -> Results:
    """Make every table of a design whose runs are finished.

    Args:
        design: what was run.
        plan: its runs and the winners of its searches.
        records: one per planned run.
    """
    runs = _runs(design, plan.runs, records)
    winners = _winners(design, plan)
    counted = with_counted_errors(runs)
    selected = counted[counted["selected"]]
    protocol = design.protocol
    optimism = measure_optimism(counted, winners, protocol)
    return Results(
        protocol=protocol,
        records=tuple(records),
        runs=runs,
        winners=winners,
        summary=summarise(runs, optimism),
        contrasts=contrast(selected, design.contrasts, protocol, design.sweep.root_seed),
        optimism=optimism,
        hypervolumes=measure_hypervolumes(selected),
        overall=measure_overall(selected, design.contrasts, design.sweep.root_seed),
    )


def _runs(design: Design, planned: Sequence[PlannedRun], records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **record,
            "study": design.study,
            "stage": run.configuration.stage,
            "search": run.search,
            "point": run.point,
            "setting_id": run.configuration.setting_id,
            "selected": run.selected,
            **dict(zip(GROUP, run.cell, strict=True)),
            "base_strategy": run.configuration.strategy,
            "levels": json.dumps(design.arm(run.cell.arm).levels, sort_keys=True),
            "seed": run.configuration.seed,
            "over_budget": _over_budget(record, run.configuration),
            "config": json.dumps(record["config"], sort_keys=True),
        }
        for run, record in zip(planned, records, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(RUN_COLUMNS))
    # Nullable, so that a failed run among them does not turn whole numbers into 25.0.
    whole = dict.fromkeys(("search", "point", "epochs", "chosen_epoch", "dead_blocks"), "Int64")
    return table.astype({**whole, "over_budget": "boolean"})


def _over_budget(record: dict[str, Any], configuration: Configuration) -> bool | None:
    density = record.get("test_density")
    limit = density_limit(configuration.target_density, configuration.training["density_tolerance"])
    return None if density is None else bool(record["gated"] and density > limit)


def _winners(design: Design, plan: Plan) -> pd.DataFrame:
    rows = []
    for winner in plan.winners:
        proposal = design.proposals[winner.cell.arm][winner.search][winner.point]
        configuration = design.configuration(winner.cell, "evaluate", 0, proposal)
        rows.append(
            {
                **dict(zip(GROUP, winner.cell, strict=True)),
                "search": winner.search,
                "point": winner.point,
                "setting_id": configuration.setting_id,
                "validation_error": winner.validation_error,
                "validation_density": winner.validation_density,
                "validation_macs": winner.validation_macs,
                "eligible_points": winner.eligible_points,
                "within_budget": winner.within_budget,
                "settings": json.dumps(
                    {**configuration.strategy_settings, **{k: configuration.training[k] for k in proposal["training"]}},
                    sort_keys=True,
                ),
            }
        )
    return pd.DataFrame(rows, columns=list(WINNER_COLUMNS))


def summarise(runs: pd.DataFrame, optimism: pd.DataFrame | None = None) -> pd.DataFrame:
    """Aggregate the selected configurations' runs on the evaluation seeds, one row per ``GROUP``.

    Every run counts, whatever its status: errors are over all seeds, failed runs at the chance floor. Densities,
    multiply-adds and seconds are means over the runs that were tested. The order of rows in ``runs`` changes nothing
    but the order of groups.

    Args:
        runs: ``RUN_COLUMNS``.
        optimism: of :func:`studies.optimism.measure_optimism`, if there was a search.
    """
    counted = with_counted_errors(runs)
    rows = [
        {**dict(zip(GROUP, key, strict=True)), **_summary_row(group.sort_values("seed"))}
        for key, group in counted[counted["selected"]].groupby(list(GROUP), sort=False)
    ]
    summary = pd.DataFrame(rows)
    if optimism is None or optimism.empty:
        return summary.assign(optimism_seed=np.nan, procedure_mean=np.nan, **dict.fromkeys(_PROCEDURE_ENDS, np.nan))
    columns = [*GROUP, "optimism_seed", "procedure_mean", *_PROCEDURE_ENDS]
    return summary.merge(optimism[columns], on=list(GROUP), how="left", validate="one_to_one")


_PROCEDURE_ENDS = ("procedure_ci_low", "procedure_ci_high")


def _summary_row(group: pd.DataFrame) -> dict[str, Any]:
    errors = group["error"].tolist()
    low, high = t_interval(errors)
    # With those that failed for nothing but their density, which has to be seen.
    ended = group[group["test_density"].notna()]

    def mean_of(column: str) -> float:
        return float(ended[column].astype(float).mean()) if len(ended) else np.nan

    return {
        "n": len(errors),
        "failures": int(group["failed"].sum()),
        "over_budget": int(group["over_budget"].sum()),
        "mean": float(np.mean(errors)),
        "ci_low": low,
        "ci_high": high,
        "std": sample_std(errors),
        "iqm": interquartile_mean(errors),
        "median": float(np.median(errors)),
        "test_error_fallback": mean_of("test_error_fallback"),
        "test_density": mean_of("test_density"),
        "all_closed": mean_of("all_closed"),
        "dead_blocks": mean_of("dead_blocks"),
        "test_macs": mean_of("test_macs"),
        "dense_macs": mean_of("dense_macs"),
        "train_macs": mean_of("train_macs"),
        "train_seconds": mean_of("train_seconds"),
        "optimism_split": float(np.mean(errors) - group["counted_validation_error"].mean()),
    }
