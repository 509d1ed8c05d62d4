"""What a record of a run holds: its fields, their types and ranges, checked when it is written and when it is read."""

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Annotated, Any, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.data import metric_of
from studies.design.configuration import content_hash
from studies.records import bits, hits

Status = Literal["ok", "nan", "diverged", "over_budget", "error", "timeout", "died"]
# Those of runs that were trained, be it to no good, and of those trained to their end, and tested if they were to be.
TRAINED: frozenset[str] = frozenset({"ok", "over_budget", "nan", "diverged"})
ENDED: frozenset[str] = frozenset({"ok", "over_budget"})

# In the metric of the dataset: shares of wrong predictions, or bits.
_ERRORS = ("chance_error", "validation_error", "test_error", "test_error_fallback")
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
# The losses of a run that went wrong are not finite, which JSON cannot hold.
Loss = float | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Epoch(_Part):
    """One epoch of training, see :class:`core.training.train.Epoch`."""

    epoch: Annotated[int, Field(ge=1)]
    train_loss: Loss
    validation_error: Amount | None
    validation_loss: Loss
    validation_density: Amount | None
    validation_macs: Amount | None
    train_macs: Amount
    train_seconds: Amount


class Host(_Part):
    """Where a run was executed."""

    name: str
    processor: str
    system: str
    device: str


class _Tested(_Part):
    """Which examples of a dataset were tested, see :mod:`studies.records.tested`."""

    examples: Annotated[int, Field(ge=1)]
    first: Annotated[int, Field(ge=0)]
    among: str


class Hits(_Tested):
    """Which test examples a network was right on, see :mod:`studies.records.hits`."""

    right: str


class Bits(_Tested):
    """What a network came to on each test example, see :mod:`studies.records.bits`."""

    bits: str


class Record(_Part):
    """The record of one run; docs/guides/results.md says what each field means."""

    run_id: str
    family: str
    gated: bool
    status: Status
    reason: str
    dense_macs: Annotated[int, Field(gt=0)]
    chance_error: Annotated[float, Field(gt=0)]
    config: dict[str, Any]
    design_hash: str = ""
    code: dict[str, str] | None = None
    versions: dict[str, str] | None = None
    host: Host | None = None

    epochs: Annotated[int, Field(ge=1)] | None = None
    train_macs: Amount | None = None
    train_seconds: Amount | None = None
    history: list[Epoch] | None = None
    chosen_epoch: Annotated[int, Field(ge=1)] | None = None
    validation_error: Amount | None = None
    validation_density: Amount | None = None
    validation_macs: Amount | None = None

    test_error: Amount | None = None
    test_hits: Hits | None = None
    test_bits: Bits | None = None
    test_loss: Loss = None
    test_error_fallback: Amount | None = None
    test_density: Amount | None = None
    test_density_fallback: Amount | None = None
    all_closed: Share | None = None
    dead_blocks: Annotated[int, Field(ge=0)] | None = None
    gate_entropy: Amount | None = None
    test_macs: Amount | None = None
    gates_by_class: list[list[list[Amount | None]]] | None = None
    measured: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> "Record":
        if self.run_id != content_hash(self.config):
            raise ValueError("config is not that of the run that run_id names")
        if self.code is not None and not {"suite", "strategy"} <= self.code.keys():
            raise ValueError(f"code is of {', '.join(self.code)}, expected suite and strategy")
        if self.status == "ok" and self.reason:
            raise ValueError("a run whose status is ok gives a reason")
        missing = [name for name in self._needed() if getattr(self, name) is None]
        if missing:
            raise ValueError(f"status is {self.status}, but {', '.join(missing)} is missing")
        if self.history is not None and [entry.epoch for entry in self.history] != list(
            range(1, (self.epochs or 0) + 1)
        ):
            raise ValueError(f"history is not of the epochs 1 to {self.epochs}")
        if self.chosen_epoch is not None and self.chosen_epoch > (self.epochs or 0):
            raise ValueError(f"chosen_epoch is {self.chosen_epoch}, of {self.epochs} epochs")
        if self.measured is not None and sorted(self.measured) != sorted(self.config.get("measurements", ())):
            raise ValueError(f"measured is of {', '.join(self.measured)}, which is not what config asks for")
        if self.measured is not None and finite(self.measured) != self.measured:
            raise ValueError("measured holds a number that is not finite")
        self._check_errors()
        return self

    def _check_errors(self) -> None:
        """Check that errors are what the metric of the dataset allows, and that of a test what its examples come to."""
        if metric_of(str(self.config.get("dataset"))) == "error":
            epochs = [
                (f"history.{entry.epoch}.validation_error", entry.validation_error) for entry in self.history or ()
            ]
            for name, value in [*((name, getattr(self, name)) for name in _ERRORS), *epochs]:
                if value is not None and (value > 1 or (value == 1 and name == "chance_error")):
                    raise ValueError(f"{name} is {value}, expected a share of wrong predictions")
            if self.test_bits is not None:
                raise ValueError("test_bits are there, and errors on the dataset are shares of wrong predictions")
        elif self.test_hits is not None:
            raise ValueError("test_hits are there, and errors on the dataset are bits")
        # Bits are held with three digits each.
        if self.test_hits is not None:
            self._agrees("test_hits", 1 - float(_unpacked(hits, "test_hits", self.test_hits).mean()), 1e-9)
        if self.test_bits is not None:
            error = float(_unpacked(bits, "test_bits", self.test_bits).mean())
            self._agrees("test_bits", error, max(1e-9, 1e-3 * error))

    def _agrees(self, name: str, error: float, tolerance: float) -> None:
        if self.test_error is None or not math.isclose(self.test_error, error, abs_tol=tolerance):
            raise ValueError(f"{name} are of an error of {error:.6g}, and test_error is {self.test_error}")

    def _needed(self) -> list[str]:
        needed: list[str] = []
        if self.status in TRAINED:
            needed += ["epochs", "train_macs", "train_seconds", "history"]
        if self.status in ENDED:
            needed += ["chosen_epoch", "validation_error", "validation_density", "validation_macs"]
            if self.config.get("stage") == "evaluate":
                needed += ["test_error", "test_loss", "test_density", "all_closed", "dead_blocks", "test_macs"]
                needed += ["gates_by_class", *(["measured"] if self.config.get("measurements") else [])]
        return needed


def _unpacked(kind: ModuleType, name: str, field: _Tested) -> NDArray[Any]:
    try:
        _, values = kind.unpacked(field.model_dump())
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return values  # type: ignore[no-any-return]


def problem(record: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a record, or None: each field that does not fit, and what would be right.

    >>> problem({"run_id": "0"})[:20]
    'family: Field requir'
    """
    try:
        Record.model_validate(record)
    except ValidationError as error:
        return "; ".join(map(_said, error.errors()))
    return None


def finite(value: Any) -> Any:
    """Return plain data with None in place of numbers that are not finite, as undefined measurements are.

    >>> finite({"bias": [0.5, float("nan")]})
    {'bias': [0.5, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value


def _said(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    held = error["input"]
    shown = "" if isinstance(held, Mapping | list) or error["type"] == "missing" else f", it is {held!r}"
    return f"{where}: {error['msg']}{shown}" if where else str(error["msg"]).removeprefix("Value error, ")
