"""The training of one run: one loop for every strategy."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.data import Split, Splits
from core.network.network import GatedNetwork
from core.network.uncharged import found_out
from core.seeding import SeedStreams
from core.space import at_layer, check_layers
from core.strategy import ProtocolError, Strategy
from core.training.assembly import joined, untrained
from core.training.batch import CountedBatch
from core.training.calibration import calibrate
from core.training.evaluate import evaluate
from core.training.ownership import Owned
from core.training.revival import Revival
from core.training.settings import SPACE, TrainingSettings, density_limit

# A mean training loss this many times that of guessing uniformly, ln(classes), is not going to come back.
DIVERGENCE_FACTOR = 10.0


@dataclass(frozen=True)
class Epoch:
    """One epoch of training, as a learning curve shows it.

    Multiply-adds of validation are per example; those of training, and the seconds, are totals so far.
    """

    epoch: int
    train_loss: float
    validation_error: float
    validation_loss: float
    validation_density: float
    validation_macs: float
    train_macs: float
    train_seconds: float


@dataclass(frozen=True)
class Trained:
    """A trained network with its strategy.

    Attributes:
        network: holds the chosen epoch's parameters.
        strategy: likewise.
        status: ``ok``, ``nan`` (a loss is not finite), ``diverged``, or ``over_budget``: the epoch that is kept opens
            more blocks on validation than the target and its tolerance allow.
        reason: what went wrong, or empty.
        chosen: the epoch whose parameters are kept, or None if training broke down.
        history: every epoch trained.
    """

    network: GatedNetwork
    strategy: Strategy
    status: Literal["ok", "nan", "diverged", "over_budget"]
    reason: str
    chosen: Epoch | None
    history: tuple[Epoch, ...]


def train(
    strategy_type: type[Strategy],
    strategy_settings: Mapping[str, Any],
    architecture: Architecture,
    splits: Splits,
    streams: SeedStreams,
    settings: TrainingSettings,
    *,
    density: float,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    start: Mapping[str, Tensor] | None = None,
) -> Trained:
    """Train one network under one strategy, on the device that ``splits`` are on.

    Args:
        strategy_type: the strategy.
        strategy_settings: values for its space; the rest take their defaults.
        architecture: the network before the strategy's own ``reshape``.
        splits: training and validation data; the test split is not touched.
        streams: all randomness of the run.
        settings: of the training.
        density: the target share of open blocks.
        on_epoch: told of every epoch as soon as it is validated.
        start: goes on from this state of :func:`core.training.assembly.joined` instead of initial values. What a
            strategy anneals in the course of training stays as it is at its end; the optimizer begins anew.

    Raises:
        InputError: a setting of the strategy is unknown or out of range, or one is given for another number of layers.
        ProtocolError: the strategy broke the protocol.
    """
    device = splits.train.x.device
    network, strategy = untrained(strategy_type, strategy_settings, architecture, streams, density=density)
    check_layers(SPACE, settings.as_dict(), len(network.architecture.layers), "training")
    both = joined(network, strategy).to(device)
    if start is not None:
        both.load_state_dict(start)
    optimizer = _optimizer(network, strategy, settings)
    batches = math.ceil(len(splits.train.y) / settings.batch_size)
    steps = settings.epochs * batches
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if settings.schedule == "cosine" else None
    noise = streams.torch("gates", "train", device=device)
    order = streams.torch("order")
    revival: Revival | None = None
    if settings.revive_after and strategy.scores_blocks:
        fresh = streams.torch("initialisation", "revival")
        revival = Revival(network, optimizer, settings.revive_after, fresh, density)

    history: list[Epoch] = []
    chosen: Epoch | None = None
    best: dict[str, Tensor] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    limit = density_limit(density, settings.density_tolerance) if strategy_type.gated else math.inf
    macs, seconds = 0.0, 0.0
    for epoch in range(1, settings.epochs + 1):
        started = time.perf_counter()
        both.train()
        losses = torch.zeros((), device=device)
        objectives = torch.zeros((), device=device)
        for number, (x, y) in enumerate(_batches(splits.train, settings.batch_size, order)):
            progress = ((epoch - 1) * batches + number) / steps if start is None else 1.0
            batch = CountedBatch(network, x, y, noise, density=density, progress=progress)
            objective, logged = _objective(strategy, batch, watched=epoch == 1 and number == 0)
            optimizer.zero_grad()
            objective.backward()
            if settings.clip_norm > 0:
                nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            objectives += objective.detach()
            assert logged.loss is not None
            losses += logged.loss.mean()
            macs += batch.training_macs()
            if revival is not None:
                revival.count(logged.executed)
        if revival is not None and epoch < settings.epochs:
            revival.end_epoch()
        train_loss = float(losses) / batches
        seconds += time.perf_counter() - started
        calibrate(
            network, strategy, splits.validation, streams.torch("gates", "calibration", device=device), density=density
        )
        measured = evaluate(
            network,
            strategy,
            splits.validation,
            streams.torch("gates", "validation", device=device),
            density=density,
            watched=epoch == 1,
        )
        assert measured is not None
        validation = measured.error, measured.loss, measured.density, measured.macs
        latest = Epoch(epoch, train_loss, *validation, macs, seconds)
        history.append(latest)
        on_epoch(latest)
        finite = all(bool(torch.isfinite(parameter).all()) for parameter in parameters)
        status, reason = _health(latest, float(objectives), architecture.classes, finite)
        if status != "ok":
            return Trained(network, strategy, status, reason, None, tuple(history))
        if _better(latest, chosen, limit, settings.selection):
            chosen = latest
            best = copy.deepcopy(both.state_dict())
        # Patience starts with the first epoch within the budget: before it, density may still be on its way down.
        if settings.patience and chosen is not None and epoch - chosen.epoch >= settings.patience:
            break
    if chosen is None:
        chosen = history[-1]
    else:
        both.load_state_dict(best)
    if chosen.validation_density > limit:
        reason = f"validation density {chosen.validation_density:.3g} > {limit:.3g}, the target and its tolerance"
        return Trained(network, strategy, "over_budget", reason, chosen, tuple(history))
    return Trained(network, strategy, "ok", "", chosen, tuple(history))


def _batches(split: Split, size: int, order: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    permutation = torch.randperm(len(split.y), generator=order).to(split.y.device)
    for indices in permutation.split(size):
        yield split.x[indices], split.y[indices]


def _optimizer(network: GatedNetwork, strategy: Strategy, settings: TrainingSettings) -> torch.optim.Optimizer:
    gaters = [list(gater.parameters()) for gater in network.gaters]
    gater_ids = {id(parameter) for gater in gaters for parameter in gater}
    others = [parameter for parameter in network.parameters() if id(parameter) not in gater_ids]
    gaters[-1] += strategy.parameters()
    groups = [
        {"params": others, "lr": settings.learning_rate},
        *({"params": gater, "lr": at_layer(settings.gater_learning_rate, layer)} for layer, gater in enumerate(gaters)),
    ]
    # The gradient of lambda |theta|^2 is 2 lambda theta; torch's weight_decay adds weight_decay * theta.
    decay = 2 * settings.lambda_l2
    match settings.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, weight_decay=decay)
        case "momentum":
            return torch.optim.SGD(groups, momentum=0.9, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(groups, weight_decay=decay)
        case _:
            return torch.optim.Adam(groups, weight_decay=decay, fused=True)


def _objective(strategy: Strategy, batch: CountedBatch, *, watched: bool) -> tuple[Tensor, Owned]:
    """Return what is to be minimised, and core's own copy of the pass to log."""
    blocks = [layer.blocks for layer in strategy.architecture.layers]
    with found_out("objective", batch.rows, blocks) if watched else nullcontext():
        returned = strategy.objective(batch)
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise ProtocolError(f"objective returned {type(returned).__name__}, expected a scalar and a pass")
    objective, logged = returned
    if objective.dim() != 0 or logged.loss is None:
        raise ProtocolError("objective must return a scalar and a pass with a loss")
    if not objective.requires_grad:
        raise ProtocolError("the objective has no gradient; was it computed under torch.no_grad, or detached?")
    return objective, batch.owned(logged)


def _health(
    latest: Epoch, objective: float, classes: int, finite: bool
) -> tuple[Literal["ok", "nan", "diverged"], str]:
    for name, value in (("objective", objective), ("validation loss", latest.validation_loss)):
        if not math.isfinite(value):
            return "nan", f"{name} is {value} in epoch {latest.epoch}"
    if not finite:
        return "nan", f"a parameter is not finite after epoch {latest.epoch}"
    limit = DIVERGENCE_FACTOR * math.log(classes)
    if latest.train_loss > limit:
        return "diverged", f"training loss {latest.train_loss:.3g} > {limit:.3g} in epoch {latest.epoch}"
    return "ok", ""


def _better(latest: Epoch, chosen: Epoch | None, limit: float, selection: str) -> bool:
    if selection == "last":
        return True
    if latest.validation_density > limit:
        return False
    return chosen is None or (latest.validation_error, latest.validation_loss) < (
        chosen.validation_error,
        chosen.validation_loss,
    )
