import json
from dataclasses import fields, replace
from typing import Any

import pytest

from studies.design.configuration import Configuration, content_hash

CONFIGURATION = Configuration(
    stage="evaluate",
    strategy="reinforce",
    strategy_source="",
    strategy_settings={"baseline": "none", "lambda_s": 1.0},
    dataset="digits",
    network="4x4",
    activation="relu",
    target_density=0.25,
    training={"epochs": 3, "batch_size": 100},
    test_split="resampled",
    root_seed=0,
    seed=0,
)
OTHERS: dict[str, Any] = {
    "stage": "search",
    "strategy": "dense",
    "strategy_source": "0123456789abcdef",
    "strategy_settings": {"baseline": "none", "lambda_s": 2.0},
    "dataset": "mnist1d",
    "network": "4x4,4x4",
    "activation": "tanh",
    "target_density": 0.5,
    "training": {"epochs": 4, "batch_size": 100},
    "test_split": "fixed",
    "root_seed": 1,
    "seed": 1,
    "varied": "order",
    "measurements": ("pass_time",),
}


def test_run_id_does_not_depend_on_the_order_of_settings():
    turned = replace(
        CONFIGURATION,
        strategy_settings=dict(reversed(list(CONFIGURATION.strategy_settings.items()))),
        training=dict(reversed(list(CONFIGURATION.training.items()))),
    )
    assert turned.run_id == CONFIGURATION.run_id


@pytest.mark.parametrize("field", [field.name for field in fields(Configuration)])
def test_run_id_changes_with_every_field(field):
    assert replace(CONFIGURATION, **{field: OTHERS[field]}).run_id != CONFIGURATION.run_id


def test_a_configuration_survives_json():
    for entry in (CONFIGURATION, replace(CONFIGURATION, **OTHERS)):
        assert Configuration.from_dict(json.loads(json.dumps(entry.as_dict()))) == entry


def test_run_ids_of_earlier_versions_are_still_found():
    assert CONFIGURATION.run_id == "bddb81ebe0e66c7b"


def test_a_hash_is_sixteen_hexadecimal_digits_of_sha256():
    # printf '{"a":1,"b":[true,"x"]}' | sha256sum
    assert content_hash({"b": [True, "x"], "a": 1}) == "63e8063d9dc6f0fd"


def test_a_number_that_json_does_not_know_has_no_hash():
    with pytest.raises(ValueError, match="JSON compliant"):
        content_hash({"a": float("nan")})
