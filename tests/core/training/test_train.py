import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest
import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.data import Split, Splits
from core.errors import InputError
from core.network.cost import dense_macs
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.gates import open_all
from core.seeding import SeedStreams
from core.strategy import Batch, Decision, Family, Pass, ProtocolError, Site, Strategy
from core.training.evaluate import Evaluation, evaluate
from core.training.settings import TrainingSettings
from core.training.train import Epoch, Trained, train
from strategies import find
from tests.support.clouds import EXAMPLES, clouds

STREAMS = SeedStreams(0, "evaluate", "clouds", 0)
ARCHITECTURE = Architecture.parse("4x2", 5, 3)

BATCH = 10
BATCHES = 3


class Plain(Strategy):
    """Every block open."""

    source: ClassVar[str] = "test"
    family: ClassVar[Family] = "control"

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(open_all)
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(open_all)


class Owning(Plain):
    """Asks the gater, and has a parameter of its own on which the objective's gradient is 1."""

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.own = nn.Parameter(torch.ones(()))

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(lambda site: Decision(site.scores.sigmoid()))
        return done.mean_loss() + self.own, done


class Still(Owning):
    """No gradient at all, but for that of 1 on its own parameter."""

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        total, done = super().objective(batch)
        return 0 * (total - self.own) + self.own, done


class Weightless(Owning):
    """A gradient of 0 on every parameter."""

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        total, done = super().objective(batch)
        return 0 * total, done


def fit(
    strategy_type: type[Strategy] = Plain,
    values: Mapping[str, Any] | None = None,
    *,
    density: float = 0.5,
    streams: SeedStreams = STREAMS,
    splits: Splits | None = None,
    **settings: Any,
) -> Trained:
    chosen = TrainingSettings.of({"epochs": 4, "batch_size": BATCH, **settings})
    return train(strategy_type, values or {}, ARCHITECTURE, splits or clouds(), streams, chosen, density=density)


def one_step(strategy_type: type[Strategy] = Owning, **settings: Any) -> Trained:
    return fit(
        strategy_type, **{"epochs": 1, "batch_size": 100, "optimizer": "sgd", "schedule": "constant", **settings}
    )


def parameters(trained: Trained) -> dict[str, Tensor]:
    both = nn.ModuleDict({"network": trained.network, "strategy": trained.strategy})
    return {name: parameter.detach().clone() for name, parameter in both.named_parameters()}


def initial() -> dict[str, Tensor]:
    """The parameters before training, as the streams give them."""
    network = FullyConnectedNetwork(ARCHITECTURE)
    network.reset(lambda part: STREAMS.torch("initialisation", part), 0.5)
    found = {f"network.{name}": parameter.detach().clone() for name, parameter in network.named_parameters()}
    return {**found, "strategy.own": torch.ones(())}


def displacements(trained: Trained) -> dict[str, Tensor]:
    before = initial()
    return {name: parameter - before[name] for name, parameter in parameters(trained).items()}


def is_gaters_or_own(name: str) -> bool:
    return name.startswith(("network.gaters", "strategy"))


def measured(trained: Trained) -> Evaluation:
    found = evaluate(
        trained.network, trained.strategy, clouds().validation, STREAMS.torch("gates", "validation"), density=0.5
    )
    assert found is not None
    return found


def timeless(history: tuple[Epoch, ...]) -> list[Epoch]:
    return [replace(epoch, train_seconds=0.0) for epoch in history]


class TestDeterminism:
    @pytest.mark.parametrize("name", ["reinforce", "straight_through", "random_blocks"])
    def test_equal_calls_give_equal_histories_parameters_and_evaluations(self, name):
        first, second = (fit(find(name)) for _ in range(2))
        assert timeless(first.history) == timeless(second.history)
        assert measured(first) == measured(second)
        for a, b in zip(parameters(first).values(), parameters(second).values(), strict=True):
            assert torch.equal(a, b)

    def test_another_seed_gives_another_run(self):
        other = fit(streams=replace(STREAMS, index=1))
        assert timeless(other.history) != timeless(fit().history)

    def test_global_generators_neither_matter_nor_move(self):
        expected = timeless(fit(find("reinforce")).history)
        torch.manual_seed(123)
        before = torch.get_rng_state()
        assert timeless(fit(find("reinforce")).history) == expected
        assert torch.equal(torch.get_rng_state(), before)

    def test_training_starts_from_the_streams_initial_parameters(self):
        for name, moved in displacements(one_step(learning_rate=1e-6, gater_learning_rate=1e-6)).items():
            assert moved.abs().max() < 1e-4, name


class TestSteps:
    def test_progress_runs_from_0_to_less_than_1_in_equal_steps(self):
        seen = []

        class Looks(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                seen.append((batch.progress, batch.density, self.training, torch.is_grad_enabled()))
                return super().objective(batch)

        fit(Looks, density=0.3)
        assert [progress for progress, *_ in seen] == pytest.approx([step / 12 for step in range(12)])
        assert all(rest == [0.3, True, True] for _, *rest in seen)

    def test_every_epoch_sees_every_example_once_in_another_order(self):
        seen: list[Tensor] = []

        class Looks(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                done = batch(open_all)
                seen.append(done.inputs[0])
                return done.mean_loss(), done

        fit(Looks, epochs=2)
        assert [len(batch) for batch in seen] == [10, 10, 3] * 2
        first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
        assert not torch.equal(first, second)
        for epoch in (first, second):
            assert torch.equal(epoch.sort(dim=0).values, clouds().train.x.sort(dim=0).values)

    def test_history_has_the_mean_loss_of_the_batches_and_growing_costs(self):
        losses: list[float] = []

        class Looks(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                total, done = super().objective(batch)
                losses.append(total.item())
                return total, done

        history = fit(Looks).history
        assert [epoch.epoch for epoch in history] == [1, 2, 3, 4]
        for number, epoch in enumerate(history):
            assert epoch.train_loss == pytest.approx(sum(losses[3 * number : 3 * number + 3]) / 3, rel=1e-5)
        # Forward and weight gradients of both products, and the hidden gradient of the read-out.
        per_epoch = EXAMPLES * (2 * dense_macs(ARCHITECTURE) + 8 * 3)
        assert [epoch.train_macs for epoch in history] == [per_epoch * epoch for epoch in (1, 2, 3, 4)]
        seconds = [epoch.train_seconds for epoch in history]
        assert seconds == sorted(seconds)
        assert seconds[0] > 0

    def test_training_lowers_the_loss(self):
        history = fit(epochs=20, learning_rate=1e-2).history
        assert history[-1].train_loss < 0.5 * history[0].train_loss

    def test_the_test_split_is_not_touched(self):
        splits = replace(clouds(), test=cast(Split, object()))
        assert timeless(fit(splits=splits).history) == timeless(fit().history)


class TestOptimizers:
    @pytest.mark.parametrize(
        ("optimizer", "distance"),
        [
            # Two steps of a gradient of 1 at a rate of 0.1.
            ("sgd", 0.2),
            ("momentum", 0.1 + 0.1 * 1.9),
            ("rmsprop", 0.1 / math.sqrt(0.01) + 0.1 / math.sqrt(0.0199)),
            ("adam", 0.2),
        ],
    )
    def test_a_constant_gradient_moves_a_parameter_as_far_as_the_optimizer_says(self, optimizer, distance):
        trained = one_step(Still, epochs=2, optimizer=optimizer, gater_learning_rate=0.1, selection="last")
        assert displacements(trained)["strategy.own"].item() == pytest.approx(-distance, rel=1e-4)

    @pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
    def test_all_train_every_part(self, optimizer):
        trained = fit(Owning, optimizer=optimizer, density=1.0)
        assert trained.status == "ok"
        for name, moved in displacements(trained).items():
            assert torch.isfinite(moved).all()
            assert moved.abs().max() > 0, name

    @pytest.mark.parametrize(("schedule", "rates"), [("constant", 4.0), ("cosine", 2.5)])
    def test_the_schedule_sets_every_steps_rate(self, schedule, rates):
        trained = one_step(Still, epochs=4, schedule=schedule, gater_learning_rate=0.1, selection="last")
        assert displacements(trained)["strategy.own"].item() == pytest.approx(-0.1 * rates, rel=1e-5)

    def test_the_gater_rate_is_that_of_gaters_and_the_strategys_own_parameters_alone(self):
        slow, fast = (displacements(one_step(learning_rate=0.1, gater_learning_rate=rate)) for rate in (0.01, 0.02))
        for name, moved in slow.items():
            assert moved.abs().max() > 0
            torch.testing.assert_close(fast[name], (2 if is_gaters_or_own(name) else 1) * moved, rtol=1e-3, atol=1e-6)

    def test_each_layers_gater_has_its_own_rate_and_the_strategy_that_of_the_last(self):
        def moved(rates: float | list[float]) -> dict[str, Tensor]:
            settings = {"epochs": 1, "batch_size": 100, "optimizer": "sgd", "schedule": "constant"}
            chosen = TrainingSettings.of({**settings, "learning_rate": 0.1, "gater_learning_rate": rates})
            two_layers = Architecture.parse("4x2,3x2", 5, 3)
            after = parameters(train(Owning, {}, two_layers, clouds(), STREAMS, chosen, density=0.5))
            network = FullyConnectedNetwork(two_layers)
            network.reset(lambda part: STREAMS.torch("initialisation", part), 0.5)
            before = {f"network.{name}": parameter.detach() for name, parameter in network.named_parameters()}
            before["strategy.own"] = torch.ones(())
            return {name: after[name] - before[name] for name in after}

        slow, fast = moved(0.01), moved([0.02, 0.05])
        for name, distance in slow.items():
            factor = 2 if name.startswith("network.gaters.0") else 5 if is_gaters_or_own(name) else 1
            assert distance.abs().max() > 0, name
            torch.testing.assert_close(fast[name], factor * distance, rtol=1e-3, atol=1e-6)

    def test_a_rate_for_another_number_of_layers_is_refused(self):
        message = r"^training\.gater_learning_rate: 0\.1:0\.2 has 2 values, the network 1 gated layers$"
        with pytest.raises(InputError, match=message):
            fit(gater_learning_rate=(0.1, 0.2))

    def test_the_learning_rate_is_that_of_the_network(self):
        slow, fast = (displacements(one_step(learning_rate=rate, gater_learning_rate=0.1)) for rate in (0.01, 0.02))
        for name, moved in slow.items():
            torch.testing.assert_close(fast[name], (1 if is_gaters_or_own(name) else 2) * moved, rtol=1e-3, atol=1e-6)

    def test_lambda_l2_adds_twice_itself_times_the_parameter_to_the_gradient(self):
        moved = displacements(one_step(Weightless, learning_rate=0.1, gater_learning_rate=0.2, lambda_l2=0.5))
        for name, before in initial().items():
            rate = 0.2 if is_gaters_or_own(name) else 0.1
            torch.testing.assert_close(moved[name], -rate * 2 * 0.5 * before)

    def test_clip_norm_bounds_the_norm_of_the_whole_gradient(self):
        def distance(clip_norm: float) -> float:
            moved = displacements(one_step(learning_rate=0.1, gater_learning_rate=0.1, clip_norm=clip_norm))
            return math.sqrt(sum(float(each.square().sum()) for each in moved.values()))

        free = distance(0.0)
        assert free > 0.1
        assert distance(0.01) == pytest.approx(0.1 * 0.01, rel=1e-3)
        assert distance(100.0) == pytest.approx(free)


class Falling(Plain):
    """Opens every block in the first half of training, and one of four in the second."""

    progress: Tensor

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.register_buffer("progress", torch.zeros(()))

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        self.progress.fill_(batch.progress)
        return super().objective(batch)

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            gates = site.hidden.new_ones(len(site.hidden), site.blocks)
            if self.progress > 0.5:
                gates[:, 1:] = 0
            return Decision(gates)

        return batch(decide)


class FreeFalling(Falling):
    gated: ClassVar[bool] = False


def fall(strategy_type: type[Falling] = Falling, **options: Any) -> Trained:
    """Train so that the best of 8 epochs has every block open, and that the best of the others is not their last."""
    trained = fit(strategy_type, epochs=8, learning_rate=0.05, schedule="constant", **options)
    assert [epoch.validation_density for epoch in trained.history] == [1.0] * 4 + [0.25] * 4
    assert best(trained.history).epoch <= 4
    assert 5 < best(trained.history[4:]).epoch < 8
    return trained


def best(history: tuple[Epoch, ...]) -> Epoch:
    return min(history, key=lambda epoch: (epoch.validation_error, epoch.validation_loss))


class TestSelection:
    def test_best_is_the_best_epoch_within_the_density_budget(self):
        trained = fall(density=0.25)
        assert trained.chosen == best(trained.history[4:])

    @pytest.mark.parametrize(
        ("density", "tolerance", "within"), [(0.9, 0.2, True), (0.9, 0.1, False), (1.0, 0.0, True), (0.8, 0.2, False)]
    )
    def test_the_budget_is_the_target_and_its_tolerance(self, density, tolerance, within):
        trained = fall(density=density, density_tolerance=tolerance)
        assert trained.chosen == best(trained.history if within else trained.history[4:])

    def test_ungated_strategies_have_no_budget(self):
        trained = fall(FreeFalling, density=0.25)
        assert trained.chosen == best(trained.history)

    def test_the_last_epoch_is_kept_where_none_is_within_the_budget(self):
        trained = fall(density=0.1)
        assert trained.status == "over_budget"
        assert trained.reason == "validation density 0.25 > 0.12, the target and its tolerance"
        assert trained.chosen == trained.history[-1]
        assert measured(trained).loss == trained.history[-1].validation_loss

    def test_last_is_the_last_epoch_whatever_the_others(self):
        trained = fall(density=0.25, selection="last")
        assert (trained.status, trained.chosen) == ("ok", trained.history[-1])

    def test_the_last_epoch_can_be_over_budget_too(self):
        trained = fall(density=0.2, selection="last")
        assert (trained.status, trained.chosen) == ("over_budget", trained.history[-1])

    @pytest.mark.parametrize("selection", ["best", "last"])
    def test_the_chosen_epochs_parameters_and_buffers_are_kept(self, selection):
        trained = fall(FreeFalling, selection=selection)
        found = measured(trained)
        assert trained.chosen is not None
        assert (found.error, found.loss, found.density) == (
            trained.chosen.validation_error,
            trained.chosen.validation_loss,
            trained.chosen.validation_density,
        )


class TestPatience:
    """Without progress in training, the first epoch stays the best."""

    @pytest.mark.parametrize(
        ("settings", "epochs"),
        [
            ({"patience": 0}, 9),
            ({"patience": 1}, 2),
            ({"patience": 3}, 4),
            ({"patience": 8}, 9),
            ({"patience": 1, "selection": "last"}, 9),
        ],
    )
    def test_training_stops_after_so_many_epochs_without_a_better_one(self, settings, epochs):
        trained = fit(Weightless, epochs=9, density=1.0, **settings)
        assert len(trained.history) == epochs
        assert trained.chosen == trained.history[-1 if settings.get("selection") == "last" else 0]

    def test_training_goes_on_while_it_gets_better(self):
        history = fit(density=1.0, epochs=6, patience=1, learning_rate=1e-3).history
        assert len(history) == 6
        losses = [epoch.validation_loss for epoch in history]
        assert losses == sorted(losses, reverse=True)


class TestFailures:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_an_objective_that_is_not_finite_ends_the_run(self, value):
        class Breaks(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                total, done = super().objective(batch)
                return total * (value if batch.progress >= 0.5 else 1), done

        trained = fit(Breaks, epochs=6)
        assert (trained.status, trained.chosen, len(trained.history)) == ("nan", None, 4)
        assert trained.reason.startswith("objective is ")
        assert trained.reason.endswith(" in epoch 4")

    def test_a_validation_loss_that_is_not_finite_ends_the_run(self):
        class Breaks(Plain):
            def infer(self, batch: Batch) -> Pass:
                return batch(lambda site: Decision(open_all(site).gates * math.nan))

        trained = fit(Breaks)
        assert (trained.status, trained.reason) == ("nan", "validation loss is nan in epoch 1")
        assert trained.chosen is None

    def test_a_loss_ten_times_that_of_guessing_is_divergence(self):
        class Explodes(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                size = 1e3 if batch.progress >= 0.5 else 1
                done = batch(lambda site: Decision(open_all(site).gates * size))
                return 0 * done.mean_loss(), done

        trained = fit(Explodes)
        assert (trained.status, trained.chosen, len(trained.history)) == ("diverged", None, 3)
        loss = trained.history[-1].train_loss
        assert loss > 10 * math.log(3)
        assert trained.reason == f"training loss {loss:.3g} > 11 in epoch 3"

    def test_an_objective_per_example_breaks_the_protocol(self):
        class PerExample(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                done = batch(open_all)
                return cast(Tensor, done.loss), done

        with pytest.raises(ProtocolError, match="objective must return a scalar"):
            fit(PerExample)

    def test_a_logged_pass_without_a_loss_breaks_the_protocol(self):
        class Withholds(Plain):
            def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
                total, done = super().objective(batch)
                return total, replace(done, loss=None)

        with pytest.raises(ProtocolError, match="a pass with a loss"):
            fit(Withholds)

    def test_bad_settings_of_the_strategy_are_bad_input(self):
        with pytest.raises(InputError, match="unknown setting of reinforce 'lambda_x'"):
            fit(find("reinforce"), {"lambda_x": 1})


class TestNetwork:
    def test_a_strategy_may_reshape_it(self):
        class Wide(Plain):
            @classmethod
            def reshape(cls, architecture: Architecture, density: float) -> Architecture:
                return Architecture.parse("1x7", architecture.features, architecture.classes)

        trained = fit(Wide)
        assert trained.network.architecture.network == trained.strategy.architecture.network == "1x7"

    @pytest.mark.parametrize("passes", [True, False])
    def test_it_is_recurrent_where_the_strategy_needs_passes(self, passes):
        class Needy(Plain):
            needs = frozenset({"passes"} if passes else {"samples", "flips"})

        assert (fit(Needy).network.recurrence is not None) == passes
