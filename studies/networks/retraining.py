"""The network of a finished run whose network was not kept: a run can be repeated to the last digit."""

from collections.abc import Mapping
from typing import Any

import strategies
from core import data
from core.errors import InputError
from studies.design.configuration import Configuration
from studies.networks.finished_network import FinishedNetwork, as_in_a_run
from studies.records.kept_network import KeptNetwork
from studies.running.trial import execute


def train_again(record: Mapping[str, Any], plugins: tuple[strategies.Plugin, ...] = ()) -> FinishedNetwork:
    """Train the network of a finished run again, and check that it is the same one.

    Args:
        record: of the run, on an evaluation seed.
        plugins: strategies from outside, if the run's is one.

    Raises:
        InputError: the run did not end well, its data are not there, or what comes out is another network: other code,
            versions or processors may have made the record.
    """
    configuration = Configuration.from_dict(record["config"])
    kept: list[KeptNetwork] = []
    with as_in_a_run():
        again = execute(
            configuration,
            strategies.find(configuration.strategy, plugins),
            data.load(configuration.dataset),
            on_trained=lambda trained: kept.append(KeptNetwork.of(configuration, trained)),
        )
    if again["status"] != "ok":
        raise InputError(f"run {configuration.run_id}: trained again it ends as {again['status']}: {again['reason']}")
    if any(again.get(name) != record.get(name) for name in ("test_error", "test_loss", "test_hits", "test_bits")):
        raise InputError(
            f"run {configuration.run_id}: trained again it has a test error of {again['test_error']:.4f}, and had "
            f"{record['test_error']:.4f}: other code, versions or processors made the record, see verify"
        )
    return FinishedNetwork(kept[0].recorded(record), "trained again", plugins)
