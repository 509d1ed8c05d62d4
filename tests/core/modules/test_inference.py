"""Gated modules at test time, and all that a PyTorch user does with a module: copies, files, moves, compilers."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn.functional import cross_entropy

import strategies
from core.errors import InputError
from core.modules import GatedModule, gate
from core.parts.gates import open_all
from kernels import use_backend
from tests.core.modules.models import MODELS, encoder_layer, examples_of, model_of, scripted, squares

EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}
ROUNDING: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}


def gated_by(
    strategy: str, name: str = "encoder_layer", density: float = 0.5, seed: int = 0, **settings: Any
) -> GatedModule:
    return gate(
        model_of(name, seed).float(),
        MODELS[name][1],
        strategy=strategies.find(strategy),
        blocks=4,
        density=density,
        settings=settings,
        seed=seed,
    ).eval()


def ready(strategy: str, name: str = "encoder_layer", **options: Any) -> tuple[GatedModule, Tensor]:
    """A gated model that has been trained a little and calibrated, and examples."""
    gated, x = gated_by(strategy, name, **options), examples_of(name, 8).float()
    gated.train()
    optimizer = torch.optim.SGD(gated.parameter_groups(0.01, 0.01))
    for _ in range(2):
        optimizer.zero_grad()
        gated.objective(squares, x, progress=0.5).backward()
        optimizer.step()
    gated.eval()
    gated.calibrate(x)
    return gated, x


class TestCalibration:
    """Test gates above thresholds wait for these."""

    @pytest.mark.parametrize("name", ["mlp", "encoder_layer", "pooled"])
    @pytest.mark.parametrize("strategy", ["hard_concrete", "gaussian_gates", "straight_through"])
    def test_the_target_share_is_open_in_each_pair(self, name, strategy):
        gated, x = ready(strategy, name)
        assert list(gated.cost(x).densities.values()) == pytest.approx([0.5] * len(gated.architecture.pairs))

    def test_a_call_before_it_is_refused_in_one_line(self):
        gated, x = gated_by("hard_concrete"), examples_of("encoder_layer").float()
        for call in (gated, gated.export, gated.cost):
            with pytest.raises(InputError, match=r"^hard_concrete opens .* call calibrate\(\) with examples"):
                call(x)

    def test_what_has_no_thresholds_needs_none(self):
        gated, x = gated_by("top_k"), examples_of("encoder_layer").float()
        before = copy.deepcopy(gated.state_dict())
        gated.calibrate(x)
        torch.testing.assert_close(gated.state_dict(), before, rtol=0, atol=0)
        assert gated(x).shape == x.shape

    def test_modes_of_all_parts_are_left_as_they_are(self):
        gated, x = ready("hard_concrete")
        gated.train()
        gated.model.get_submodule("norm1").eval()
        gated.calibrate(x)
        gated.cost(x)
        gated.export(x)
        assert gated.training
        assert gated.model.get_submodule("linear1").training
        assert not gated.model.get_submodule("norm1").training

    def test_they_are_in_the_state_dict(self):
        gated, x = ready("hard_concrete")
        other = gated_by("hard_concrete", seed=7)
        other.load_state_dict(gated.state_dict())
        torch.testing.assert_close(other(x), gated(x), **EXACT)
        fresh = gated_by("hard_concrete")
        gated.load_state_dict(fresh.state_dict())
        with pytest.raises(InputError, match="call calibrate"):
            gated(x)


@pytest.mark.parametrize("name", MODELS)
def test_the_compiled_kernels_run_what_is_inferred(name):
    pytest.importorskip("numba")
    gated, x = ready("hard_concrete", name)
    with torch.no_grad():
        with use_backend("reference"):
            expected = gated(x)
        with use_backend("cpu"):
            torch.testing.assert_close(gated(x), expected, **ROUNDING)


class TestAsAModule:
    """What works with any module works with these."""

    def test_a_state_dict_goes_through_a_file(self, tmp_path):
        gated, x = ready("straight_through")
        torch.save(gated.state_dict(), tmp_path / "gated.pt")
        other = gated_by("straight_through", seed=7)
        other.load_state_dict(torch.load(tmp_path / "gated.pt", weights_only=True))
        torch.testing.assert_close(other(x), gated(x), **EXACT)
        assert set(pickle.loads(pickle.dumps(gated.state_dict()))) == set(gated.state_dict())

    def test_a_whole_one_goes_through_a_file(self):
        gated, x = ready("hard_concrete")
        held = io.BytesIO()
        torch.save(gated, held)
        held.seek(0)
        torch.testing.assert_close(torch.load(held, weights_only=False)(x), gated(x), **EXACT)

    def test_a_copy_is_independent(self):
        gated, x = ready("reinforce")
        other = copy.deepcopy(gated)
        expected = gated(x)
        torch.testing.assert_close(other(x), expected, **EXACT)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.add_(1.0)
        torch.testing.assert_close(gated(x), expected, **EXACT)
        assert not torch.allclose(other(x), expected)
        # Its noise goes on from where it was, and does not move that of the original.
        gated, _ = ready("reinforce")
        other = copy.deepcopy(gated)
        first, second = (each.objective(squares, x, progress=1.0).detach() for each in (gated, other))
        assert torch.equal(first, second)

    def test_a_copy_of_the_model_alone_can_be_made_dense(self):
        gated, x = ready("dense")
        torch.testing.assert_close(gated.dense()(x), gated(x), **ROUNDING)

    def test_every_precision(self):
        gated, x = ready("top_k")
        single = gated(x)
        gated.to(torch.float64)
        double = gated(x.double())
        assert double.dtype == torch.float64
        torch.testing.assert_close(double.float(), single, **ROUNDING)
        gated.to(torch.bfloat16)
        assert gated(x.bfloat16()).dtype == torch.bfloat16
        with pytest.raises((ValueError, RuntimeError), match=r"dtype|float"):
            gated(x)

    @pytest.mark.parametrize("strategy", ["dense", "remoe"])
    def test_without_values_there_are_shapes(self, strategy):
        gated, x = ready(strategy)
        gated.to("meta")
        assert gated(x.to("meta")).shape == x.shape

    def test_inference_mode_and_no_grad(self):
        gated, x = ready("straight_through")
        expected = gated(x)
        # Attention has a fast path there.
        with torch.inference_mode():
            torch.testing.assert_close(gated(x), expected, **ROUNDING)
        with torch.no_grad():
            torch.testing.assert_close(gated(x), expected, **ROUNDING)

    def test_options_reach_the_model(self):
        gated, x = ready("dense")
        mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
        expected = gated.dense().train()(x, src_mask=mask)
        torch.testing.assert_close(gated(x, src_mask=mask), expected, **ROUNDING)
        torch.testing.assert_close(gated(src=x, src_mask=mask), expected, **ROUNDING)
        assert gated.cost(x, src_mask=mask).densities == {"linear1": 1.0}

    def test_predictions_do_not_depend_on_other_examples(self):
        gated, x = ready("hard_concrete")
        whole = gated(x)
        torch.testing.assert_close(torch.cat([gated(each) for each in x.split(3)]), whole, **ROUNDING)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
    @pytest.mark.parametrize("strategy", ["hard_concrete", "reinforce", "top_k"])
    def test_a_move_to_the_gpu_and_back(self, strategy):
        gated, x = ready(strategy)
        expected = gated(x)
        gated.to("cuda")
        torch.testing.assert_close(gated(x.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)
        gated.train().objective(squares, x.cuda(), progress=1.0).backward()
        assert all(parameter.grad.is_cuda for parameter in gated.parameters() if parameter.grad is not None)
        gated.eval().to("cpu")
        torch.testing.assert_close(gated(x), expected, **ROUNDING)


# Strategies that draw at test time cut the graph, or are refused where nothing may be drawn.
DRAWN = {"random_blocks", "random_exactly_k", "random_leaf"}
CUT = DRAWN | {"static_blocks"}
SUPPORTED = [
    name for name in strategies.built_in() if not strategies.find(name).needs - {"samples"} and name != "small_dense"
]


@pytest.mark.slow
class TestCompiled:
    """``torch.compile`` gives equal outputs."""

    @pytest.mark.parametrize("strategy", sorted(set(SUPPORTED) - CUT))
    def test_the_whole_is_one_graph(self, strategy):
        gated, x = ready(strategy, "mlp")
        torch.compiler.reset()
        compiled = torch.compile(gated, backend="aot_eager", fullgraph=True)
        with torch.no_grad():
            torch.testing.assert_close(compiled(x), gated(x), **ROUNDING)
            torch.testing.assert_close(compiled(x[:3]), gated(x[:3]), **ROUNDING)

    @pytest.mark.parametrize("name", MODELS)
    def test_models_of_all_kinds(self, name):
        gated, x = ready("straight_through", name)
        torch.compiler.reset()
        with torch.no_grad():
            compiled = torch.compile(gated, backend="aot_eager", fullgraph=True)
            torch.testing.assert_close(compiled(x), gated(x), **ROUNDING)

    def test_what_draws_is_cut_into_graphs(self):
        gated, x = ready("static_blocks")
        torch.compiler.reset()
        with torch.no_grad():
            torch.testing.assert_close(torch.compile(gated, backend="aot_eager")(x), gated(x), **ROUNDING)

    def test_thresholds_must_be_set(self):
        gated, x = gated_by("hard_concrete"), examples_of("encoder_layer").float()
        torch.compiler.reset()
        with pytest.raises(InputError, match="call calibrate"):
            torch.compile(gated, backend="aot_eager")(x)


@pytest.mark.slow
class TestExported:
    """``torch.export`` gives a program that needs PyTorch alone."""

    @pytest.mark.parametrize("strategy", sorted(set(SUPPORTED) - DRAWN))
    def test_it_answers_as_the_model_does_for_any_number_of_examples(self, strategy):
        gated, x = ready(strategy, "mlp")
        program = gated.export(x)
        for number in (1, 2, 5, 8):
            torch.testing.assert_close(program.module()(x[:number]), gated(x[:number]), **ROUNDING)
        calls = [node for node in program.graph.nodes if node.op == "call_function"]
        assert {getattr(node.target, "namespace", "builtin") for node in calls} <= {"aten", "builtin"}

    @pytest.mark.parametrize("strategy", sorted(DRAWN))
    def test_what_is_drawn_is_refused(self, strategy):
        gated, x = ready(strategy)
        with pytest.raises(InputError, match=f"^{strategy}: cannot be exported: its test gates are drawn anew"):
            gated.export(x)

    @pytest.mark.parametrize("name", MODELS)
    def test_models_of_all_kinds(self, name):
        gated, x = ready("straight_through", name)
        torch.testing.assert_close(gated.export(x).module()(x), gated(x), **ROUNDING)

    def test_torch_export_itself_will_do(self):
        gated, x = ready("hard_concrete")
        with torch.no_grad():
            program = torch.export.export(gated, (x,), dynamic_shapes=(({0: Dim("N")},),))
        torch.testing.assert_close(program.module()(x[:3]), gated(x[:3]), **ROUNDING)
        names = {str(node.target) for node in program.graph.nodes}
        assert not [name for name in names if "gating_studies" in name]

    def test_several_inputs_and_outputs(self):
        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = encoder_layer()

            def forward(self, x: Tensor, other: Tensor) -> dict[str, Tensor]:
                found = self.layer(x + other)
                return {"found": found, "mean": found.mean(dim=1)}

        gated = gate(
            Two(), {"layer.linear1": "layer.linear2"}, strategy=strategies.find("top_k"), blocks=4, density=0.5
        )
        x = examples_of("encoder_layer").float()
        torch.testing.assert_close(gated.export(x, -2 * x).module()(x, x), gated.eval()(x, x), **ROUNDING)


def test_a_model_is_gated_from_its_training_to_its_file(tmp_path):
    """The way of the guide, in one: an encoder under a read-out, some steps, thresholds, a file."""
    torch.manual_seed(0)
    model = nn.Sequential(encoder_layer(dropout=0.1), nn.Flatten(), nn.Linear(40, 3))
    gated = gate(model, {"0.linear1": "0.linear2"}, strategy=strategies.find("hard_concrete"), blocks=8, density=0.25)
    x, y = torch.randn(16, 5, 8), torch.arange(16) % 3
    optimizer = torch.optim.Adam(gated.parameter_groups(1e-2, 1e-2))
    for step in range(20):
        objective = gated.objective(
            lambda model, x, y: cross_entropy(model(x), y, reduction="none"), x, y, progress=step / 20
        )
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
    gated.eval().calibrate(x)
    torch.save(gated.state_dict(), tmp_path / "gated.pt")
    assert gated.cost(x).densities["0.linear1"] == pytest.approx(0.25)
    assert gated(x).shape == (16, 3)


def test_the_seed_says_what_is_drawn_at_test_time():
    x = examples_of("mlp").float()
    first, again = gated_by("random_blocks", "mlp"), gated_by("random_blocks", "mlp")
    assert torch.equal(first(x), again(x))
    assert not torch.equal(first(x), first(x))


def test_without_thresholds_nothing_is_added_to_the_state():
    names = set(scripted("mlp", open_all).state_dict())
    assert {name.partition(".")[0] for name in names} == {"model", "gaters"}
