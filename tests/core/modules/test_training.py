"""Gated modules in a training loop of one's own: every strategy learns, and what does not fit is said in one line."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

import strategies
from core.errors import InputError
from core.modules import gate
from core.parts.gates import open_all
from core.strategy import Batch, Decision, Pass, ProtocolError
from tests.core.modules.models import MODELS, encoder_layer, examples_of, mlp, model_of, scripted, squares

SUPPORTED = [
    name for name in strategies.built_in() if not strategies.find(name).needs - {"samples"} and name != "small_dense"
]


def labelled(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    found = model(x)
    return cross_entropy(found if found.dim() == 2 else found.mean(dim=1), y, reduction="none")


@pytest.mark.parametrize("strategy", SUPPORTED)
@pytest.mark.parametrize("name", ["mlp", "encoder_layer"])
def test_every_strategy_lowers_the_loss(name, strategy):
    torch.manual_seed(0)
    build, pairs, shape = MODELS[name]
    density = 0.5
    gated = gate(build(), pairs, strategy=strategies.find(strategy), blocks=4, density=density, seed=1)
    x = torch.randn(32, *shape)
    y = x.flatten(1)[:, :3].argmax(dim=1)
    optimizer = torch.optim.Adam(gated.parameter_groups(learning_rate=1e-2, gater_learning_rate=1e-2))
    steps = 30

    def loss() -> float:
        with torch.no_grad():
            return float(sum(gated.objective(labelled, x, y, progress=1.0) for _ in range(4)))

    before = loss()
    for step in range(steps):
        objective = gated.objective(labelled, x, y, progress=step / steps)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
    assert loss() < before
    for parameter in gated.model.parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.isfinite().all())
    learned = strategy not in ("dense", "frozen_gater", "hashed_blocks", "static_blocks") and "random" not in strategy
    assert [gater.bias.grad is not None for gater in gated.gaters] == [learned] * len(pairs)


def test_the_callable_is_called_once_for_each_pass_with_all_samples():
    calls: list[tuple[torch.Size, torch.Size]] = []

    def noted(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        calls.append((x.shape, y.shape))
        return labelled(model, x, y)

    gated = gate(
        mlp(), {"0": "2"}, strategy=strategies.find("reinforce"), blocks=4, density=0.5, settings={"samples": 3}
    )
    gated.objective(noted, torch.randn(4, 6), torch.zeros(4).long(), progress=0.0)
    assert calls == [((12, 6), (12,))]


def test_samples_are_copies_of_the_batch_one_after_another():
    x = examples_of("mlp")
    gated = scripted("mlp", open_all)

    def objective(batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(open_all, samples=2)
        assert done.loss is not None
        torch.testing.assert_close(done.loss.unflatten(0, (2, -1)), done.loss[:4].expand(2, -1))
        torch.testing.assert_close(done.inputs[0], torch.cat([x, x]))
        assert done.macs.shape == (8,)
        return done.mean_loss(), done

    gated.strategy.objective = objective  # type: ignore[method-assign]
    gated.objective(squares, x, progress=0.0)


def test_parameters_are_in_two_groups():
    gated = gate(mlp(), {"0": "2"}, strategy=strategies.find("static_blocks"), blocks=4, density=0.5)
    model, others = gated.parameter_groups(learning_rate=0.1, gater_learning_rate=0.2)
    assert (model["lr"], others["lr"]) == (0.1, 0.2)
    assert {id(each) for each in (*model["params"], *others["params"])} == {id(each) for each in gated.parameters()}
    assert len(others["params"]) == 2 + 1


def test_equal_seeds_train_alike_and_others_do_not():
    def trained(seed: int) -> Tensor:
        gated = gate(
            model_of("mlp"), {"0": "2"}, strategy=strategies.find("reinforce"), blocks=4, density=0.5, seed=seed
        )
        objective = gated.objective(squares, examples_of("mlp"), progress=0.5)
        return objective.detach()

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))


def test_autocast_leaves_pairs_in_their_own_precision():
    torch.manual_seed(0)
    gated = gate(encoder_layer(), {"linear1": "linear2"}, strategy=strategies.find("top_k"), blocks=4, density=0.5)
    x, y = torch.randn(4, 5, 8), torch.zeros(4).long()
    exact = gated.objective(labelled, x, y, progress=1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        objective = gated.objective(labelled, x, y, progress=1.0)
    objective.backward()
    torch.testing.assert_close(objective, exact, rtol=0.05, atol=0.05)
    assert not torch.equal(objective, exact)
    assert {parameter.grad.dtype for parameter in gated.model.parameters() if parameter.grad is not None} == {
        torch.float32
    }


def said(call: Any) -> str:
    with pytest.raises(InputError) as raised:
        call()
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestRefusals:
    """One line says what does not fit."""

    @pytest.mark.parametrize(
        ("losses", "expected"),
        [
            (lambda model, x: model(x).mean(), "losses returned [], expected [4]: one loss for each of the 4 examples"),
            (lambda model, x: model(x), "losses returned [4, 3], expected [4]"),
            (lambda model, x: [model(x)], "losses returned list, expected a tensor with one loss per example"),
        ],
    )
    def test_losses(self, losses, expected):
        gated = scripted("mlp", open_all)
        assert said(lambda: gated.objective(losses, examples_of("mlp"), progress=0.0)).startswith(expected)

    def test_inputs(self):
        gated, x = scripted("mlp", open_all), examples_of("mlp")
        absent: Any = None
        assert said(lambda: gated.objective(squares, progress=0.0)).startswith("no input is a tensor of examples")
        assert said(lambda: gated.objective(squares, x[:0], progress=0.0)).startswith(
            "an input is [0, 6], expected at least"
        )
        assert said(lambda: gated.objective(squares, x, x[:3], progress=0.0)).startswith(
            "input 1 of objective is [3, 6], expected a tensor of 4 examples"
        )
        assert said(lambda: gated.objective(squares, x, absent, progress=0.0)).startswith(
            "input 1 of objective is NoneType"
        )
        assert said(lambda: gated.objective(squares, x, progress=30)).startswith("progress is 30, expected")

    def test_positions_before_examples(self):
        gated, x = scripted("mlp", open_all), torch.zeros(3, 5, 6, dtype=torch.float64)
        assert said(
            lambda: gated.objective(lambda model, x: model(x.transpose(0, 1)).mean((0, 2)), x, progress=0)
        ).startswith("0: its input is [5, 3, 6], expected [N, ..., 6] with the 3 examples first")

    def test_features(self):
        gated = scripted("mlp", open_all)
        for shape in ((4, 5), (6,)):
            wrong = torch.zeros(shape, dtype=torch.float64)
            assert said(lambda wrong=wrong: gated(wrong)).startswith(
                f"0: its input is {list(shape)}, expected [N, ..., 6] with the"
            )

    def test_a_pair_that_runs_twice_or_not_at_all_or_half(self):
        gated, x = scripted("mlp", open_all), examples_of("mlp")
        layers = list(gated.model.children())

        def run(*order: int) -> str:
            def losses(model: nn.Module, x: Tensor) -> Tensor:
                for index in order:
                    x = layers[index](x)
                return x.mean(dim=1)

            return said(lambda: gated.objective(losses, x, progress=0.0))

        assert run(0, 1, 2, 0, 1, 2).startswith("0 runs twice in one pass")
        assert run(0, 1, 2).startswith("4 did not run in this pass")
        assert run(0, 1, 2, 3, 4).startswith("6 did not run after 4 in this pass")
        assert run(0, 1, 2, 2).startswith("2 runs without 0 before it, or twice")

    def test_pairs_in_another_order(self):
        gated = gate(mlp(), {"4": "6", "0": "2"}, strategy=strategies.find("top_k"), blocks=4, density=0.5)
        assert said(lambda: gated(torch.zeros(2, 6))).startswith("0 runs before 4: name the pairs in the order")

    def test_a_model_outside_of_its_gates(self):
        gated = scripted("mlp", open_all)
        assert said(lambda: gated.model(examples_of("mlp"))).startswith("0 and 2 are gated, and run only inside")

    def test_a_pair_is_not_computed_again_for_its_backward(self):
        gated = scripted("mlp", open_all)
        objective = gated.objective(
            lambda model, x: checkpoint(model, x, use_reentrant=False).mean(dim=1), examples_of("mlp"), progress=0.0
        )
        assert said(objective.backward).startswith("0 and 2 are gated, and run only inside")

    def test_what_is_between_must_keep_rows(self):
        gated = scripted("encoder_layer", open_all)
        gated.model.__dict__["activation"] = lambda hidden: hidden[:, :2]
        assert said(lambda: gated(examples_of("encoder_layer"))).startswith(
            "linear2: its input is [4, 2, 16], expected the 20 rows of 16 units that linear1 gave"
        )

    def test_a_model_goes_on_after_an_error(self):
        gated, x = scripted("mlp", open_all), examples_of("mlp")
        expected = gated(x)
        with pytest.raises(ZeroDivisionError):
            gated.objective(lambda model, x: model(x) / (1 // 0), x, progress=0.0)
        torch.testing.assert_close(gated(x), expected)


class TestStrategiesThatBreakTheProtocol:
    """The protocol holds in modules as in networks."""

    def gated_by(self, objective: Any) -> Any:
        gated = scripted("mlp", open_all)
        gated.strategy.objective = objective  # type: ignore[method-assign]
        return lambda: gated.objective(squares, examples_of("mlp"), progress=0.0)

    @pytest.mark.parametrize(
        ("objective", "message"),
        [
            (lambda batch: batch(open_all).mean_loss(), "objective returned Tensor, expected a scalar and a pass"),
            (lambda batch: (batch(open_all).loss, batch(open_all)), r"objective returned \[4\], expected a scalar"),
            (lambda batch: (batch(open_all).mean_loss(), None), "the pass was not made by this batch"),
            (lambda batch: batch(open_all, carry=batch(open_all)), "carries no state"),
            (lambda batch: batch(open_all, samples=0), "samples is 0"),
            (lambda batch: batch.flips(batch(open_all), 0), "has no flips"),
            (lambda batch: batch.table(batch(open_all), 0), "has no flips"),
            (lambda batch: batch.mix([batch(open_all)], torch.ones(1, 4)), "has no passes to mix"),
            (lambda batch: batch(lambda site: Decision(torch.ones(1, 4))), "gates are torch.float32"),
            (lambda batch: batch(lambda site: batch(open_all)), "a pass is run inside of another"),
        ],
    )
    def test_it_is_told(self, objective, message):
        with pytest.raises(ProtocolError, match=message):
            self.gated_by(objective)()


def test_labels_are_withheld_at_test_time():
    def infer(batch: Batch) -> Pass:
        done = batch(open_all)
        assert done.loss is None
        with pytest.raises(ProtocolError, match="labels are withheld"):
            batch.cost_to_go(done)
        with pytest.raises(ProtocolError, match="expected 1"):
            batch(open_all, samples=2)
        return done

    gated = scripted("mlp", open_all)
    gated.strategy.infer = infer  # type: ignore[method-assign]
    assert gated(examples_of("mlp")).shape == (4, 3)
