from dataclasses import fields

import pytest

from core.errors import InputError
from core.training.settings import SPACE, TrainingSettings


def test_fields_are_those_of_the_space():
    assert [field.name for field in fields(TrainingSettings)] == list(SPACE)


def test_defaults_are_those_of_the_space():
    assert TrainingSettings.of({}).as_dict() == {name: domain.default for name, domain in SPACE.items()}


def test_given_values_replace_defaults():
    settings = TrainingSettings.of({"epochs": 3, "optimizer": "sgd"})
    assert (settings.epochs, settings.optimizer, settings.batch_size) == (3, "sgd", 100)
    assert TrainingSettings.of(settings.as_dict()) == settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, r"unknown setting of training 'epoch': did you mean 'epochs'\?"),
        ({"epochs": 0}, r"training\.epochs: 0 is not an integer in 1\.\.10000"),
        ({"optimizer": "adamw"}, r"training\.optimizer: adamw is not one of sgd, momentum, rmsprop, adam"),
        ({"learning_rate": 0}, r"training\.learning_rate: 0 is not a number"),
    ],
)
def test_bad_settings_are_named(values, message):
    with pytest.raises(InputError, match=message):
        TrainingSettings.of(values)
