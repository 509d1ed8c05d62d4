"""From the ledger to tables: one row per run, and what is derived from those rows and nothing else."""

import json
from collections.abc import Sequence
from itertools import compress
from typing import Any

import pandas as pd

from core.errors import InputError
from core.training.settings import density_limit
from studies.design.configuration import Configuration
from studies.design.freezing import FrozenStudy
from studies.design.runs import FinishedRuns, PlannedRun, RunList
from studies.design.setting import Setting
from studies.results.across.overall import measure_overall
from studies.results.contrasts import contrast
from studies.results.examples.tested import TestedRuns
from studies.results.hypervolumes import measure_hypervolumes
from studies.results.looks import looks_taken
from studies.results.optimism import measure_optimism
from studies.results.pairing import Pairing
from studies.results.results import RUN_COLUMNS, SETTING, WINNER_COLUMNS, Results, dense_front, with_counted_errors
from studies.results.summary import summarise


def collect(frozen: FrozenStudy, finished: FinishedRuns) -> Results:
    """Read every run of the study and aggregate.

    Raises:
        InputError: a run is missing; nothing is reported on an unfinished study.
    """
    planned = RunList.of(frozen, finished)
    missing = finished.missing(run.configuration.run_id for run in planned.runs)
    if missing:
        of = "the search" if planned.search and not planned.winners else "the runs"
        raise InputError(
            f"{len(missing)} of {len(planned.runs)} runs of {frozen.study!r} are missing in {of}: "
            f"the command that began it (python -m studies run {frozen.study} ..., with its options) runs them"
        )
    records = tuple(finished.read(run.configuration.run_id) for run in planned.runs)
    return derive(frozen, planned, records)


def derive(frozen: FrozenStudy, planned: RunList, records: Sequence[dict[str, Any]]) -> Results:
    """Make every table of a study whose runs are finished.

    Args:
        frozen: what was run.
        planned: its runs and the winners of its searches.
        records: one per planned run.
    """
    every_run = _runs(frozen, planned.runs, records)
    front_of = {arm.name: arm.front_of for arm in frozen.front}
    on_front = every_run["arm"].isin(front_of)
    runs, front_runs = (every_run[rows].reset_index(drop=True) for rows in (~on_front, on_front))
    front = dense_front(front_runs, front_of)
    winners = _winners(frozen, planned)
    winners = winners[~winners["arm"].isin(front_of)].reset_index(drop=True)
    counted = with_counted_errors(runs)
    selected = counted[counted["selected"]]
    protocol = frozen.protocol
    settings = [Setting(*row) for row in selected[list(SETTING)].drop_duplicates().itertuples(index=False)]
    tested_runs = TestedRuns(records)
    pairing = Pairing(selected, front, tested_runs)
    return Results(
        protocol=protocol,
        records=tuple(compress(records, ~on_front)),
        runs=runs,
        front_records=tuple(compress(records, on_front)),
        front_runs=front_runs,
        front_of=front_of,
        winners=winners,
        summary=summarise(runs, protocol.search, tested_runs),
        contrasts=contrast(pairing, settings, frozen.contrasts, frozen.sweep.primary, protocol, frozen.sweep.root_seed),
        looks=looks_taken(pairing, settings, frozen.sweep.primary, protocol),
        optimism=measure_optimism(counted, winners, protocol),
        hypervolumes=measure_hypervolumes(selected, protocol.search),
        overall=measure_overall(pairing, settings, frozen.contrasts, frozen.sweep.root_seed, protocol.search),
    )


def _runs(frozen: FrozenStudy, runs: Sequence[PlannedRun], records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **record,
            "study": frozen.study,
            "stage": run.configuration.stage,
            "search": run.search,
            "point": run.point,
            "setting_id": run.configuration.setting_id,
            "selected": run.selected,
            **run.setting._asdict(),
            "arm": run.arm,
            "strategy": run.configuration.strategy,
            "levels": json.dumps(frozen.arm(run.arm).levels, sort_keys=True),
            "seed": run.configuration.seed,
            "over_budget": _over_budget(record, run.configuration),
            "config": json.dumps(record["config"], sort_keys=True),
        }
        for run, record in zip(runs, records, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(RUN_COLUMNS))
    # Nullable, so that a failed run among them does not turn whole numbers into 25.0.
    whole = dict.fromkeys(("search", "point", "epochs", "chosen_epoch", "dead_blocks"), "Int64")
    return table.astype({**whole, "over_budget": "boolean"})


def _over_budget(record: dict[str, Any], configuration: Configuration) -> bool | None:
    density = record.get("test_density")
    limit = density_limit(configuration.target_density, configuration.training["density_tolerance"])
    return None if density is None else bool(record["gated"] and density > limit)


def _winners(frozen: FrozenStudy, planned: RunList) -> pd.DataFrame:
    rows = []
    for winner in planned.winners:
        proposal = frozen.proposals[winner.arm][winner.search][winner.point]
        configuration = frozen.configuration(winner.setting, winner.arm, "evaluate", 0, proposal)
        rows.append(
            {
                **winner.setting._asdict(),
                "arm": winner.arm,
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
