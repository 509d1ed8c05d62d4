"""A gated model is what it was, with ``W_2 (f(W_1 x + b_1) * g) + b_2`` in its pairs; what cannot be gated is said."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import strategies
from core.errors import InputError
from core.modules import GatedModule, gate
from core.modules.linears import GatedLinear
from core.parts.gates import open_all
from core.strategy import Decision, Site
from tests.core.modules.models import (
    MODELS,
    Pairs,
    SwiGLU,
    encoder_layer,
    examples_of,
    fixed,
    mlp,
    model_of,
    random_gates,
    rows_of,
    scripted,
    squares,
)

TIGHT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}
every_model = pytest.mark.parametrize("name", MODELS)


def gradients(gated: GatedModule) -> dict[str, Tensor]:
    """The gradients of the model's parameters, in the layout of ordinary linear layers."""
    held = copy.deepcopy(gated)
    with torch.no_grad():
        for parameter, own in zip(held.model.parameters(), gated.model.parameters(), strict=True):
            parameter.copy_(own.grad if own.grad is not None else torch.zeros_like(own))
    return dict(held.dense().named_parameters())


def masked(model: nn.Module, pairs: Pairs, gates: list[Tensor]) -> nn.Module:
    """The model with the input of each second layer multiplied by gates, all blocks computed."""
    for second, gate_values in zip(pairs.values(), gates, strict=True):

        def multiply(module: nn.Module, args: tuple[Tensor], gate_values: Tensor = gate_values) -> Tensor:
            (hidden,) = args
            spread = gate_values.repeat_interleave(hidden.shape[-1] // gate_values.shape[1], dim=1)
            return hidden * spread.view_as(hidden)

        model.get_submodule(second).register_forward_pre_hook(multiply)
    return model


@every_model
@pytest.mark.parametrize("strategy", ["dense", "top_k", "straight_through"])
def test_at_density_1_outputs_are_those_of_the_model(name, strategy):
    dense, x = model_of(name), examples_of(name)
    gated = gate(model_of(name), MODELS[name][1], strategy=strategies.find(strategy), blocks=4, density=1.0)
    gated.calibrate(x)
    for mode in (True, False):
        with torch.no_grad():
            torch.testing.assert_close(gated.train(mode)(x), dense.train(mode)(x), **TIGHT)


@every_model
def test_with_all_blocks_open_gradients_are_those_of_the_model(name):
    dense, x = model_of(name), examples_of(name)
    gated = scripted(name, open_all)
    squares(dense, x).mean().backward()
    gated.objective(squares, x, progress=1.0).backward()
    found = gradients(gated)
    for place, parameter in dense.named_parameters():
        torch.testing.assert_close(found[place], parameter.grad, **TIGHT, msg=place)


@every_model
@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_gates_of_any_size_multiply_what_is_between_the_layers(name, gate_grad):
    x = examples_of(name)
    gates, others = ([each.requires_grad_() for each in random_gates(rows_of(name, 4))] for _ in range(2))
    gated = scripted(name, fixed(gates, gate_grad))
    objective = gated.objective(squares, x, progress=1.0)
    objective.backward()
    dense = masked(model_of(name), MODELS[name][1], others)
    loss = squares(dense, x).mean()
    loss.backward()
    torch.testing.assert_close(objective, loss, **TIGHT)
    found = gradients(gated)
    for place, parameter in dense.named_parameters():
        torch.testing.assert_close(found[place], parameter.grad, **TIGHT, msg=place)
    for own, theirs in zip(gates, others, strict=True):
        assert own.grad is not None
        assert theirs.grad is not None
        wanted = theirs.grad if gate_grad == "exact" else torch.where(theirs != 0, theirs.grad, 0.0)
        torch.testing.assert_close(own.grad, wanted, **TIGHT)
        assert bool((theirs.grad[theirs == 0] != 0).any())


def test_closed_blocks_are_not_computed():
    x = examples_of("encoder_layer")
    gates = [torch.tensor([[1.0, 0.0, 1.0, 0.0]], dtype=torch.float64).expand(20, -1)]
    gated = scripted("encoder_layer", fixed(gates)).eval()
    expected = gated(x)
    with torch.no_grad():
        gated.model.get_parameter("linear1.weight")[1] = torch.nan
        gated.model.get_parameter("linear2.weight")[:, 3] = torch.nan
    torch.testing.assert_close(gated(x), expected, **TIGHT)


def test_a_gated_linear_unit_is_decided_for_once_and_by_whichever_layer_runs_first():
    x, decisions = examples_of("swiglu"), []

    def decide(site: Site) -> Decision:
        decisions.append(site.hidden.shape)
        return open_all(site)

    gated = scripted("swiglu", decide)
    for order in (("gate_proj", "up_proj"), ("up_proj", "gate_proj")):
        layers = [gated.model.get_submodule(name) for name in order]

        def losses(model: nn.Module, x: Tensor, layers: list[nn.Module] = layers) -> Tensor:
            hidden = layers[0](x) * layers[1](x)
            return model.get_submodule("down_proj")(hidden).mean(dim=(1, 2))  # type: ignore[no-any-return]

        gated.objective(losses, x, progress=0.0)
    assert decisions == [(12, 6)] * 2
    with pytest.raises(InputError, match=r"^down_proj runs without up_proj before it"):
        gated.objective(lambda model, x: model.down_proj(model.gate_proj(x)), x, progress=0.0)
    with pytest.raises(InputError, match=r"^gate_proj runs twice"):
        gated.objective(lambda model, x: model.gate_proj(x) + model.gate_proj(x), x, progress=0.0)
    with pytest.raises(InputError, match=r"^up_proj: its input has 4 rows, expected 12"):
        gated.objective(lambda model, x: model.gate_proj(x) + model.up_proj(x[:, :1]), x, progress=0.0)


def test_a_site_sees_the_rows_of_its_pair_example_by_example():
    x = examples_of("mlp")
    seen: list[Tensor] = []

    def decide(site: Site) -> Decision:
        seen.append(site.hidden)
        return open_all(site)

    scripted("mlp", decide)(x)
    torch.testing.assert_close(seen[0], x)
    shapes = []

    def note(site: Site) -> Decision:
        shapes.append((site.hidden.shape, site.scores.shape))
        return open_all(site)

    scripted("pooled", note)(examples_of("pooled"))
    assert shapes == [((8, 3), (8, 4)), ((4, 3), (4, 4))]


def test_the_copy_without_gates_has_the_weights_as_they_are_now():
    gated = scripted("encoder_layer", open_all)
    with torch.no_grad():
        for parameter in gated.model.parameters():
            parameter.mul_(1.1)
    x, dense = examples_of("encoder_layer"), gated.dense()
    torch.testing.assert_close(dense(x), gated(x), **TIGHT)
    assert [type(dense.get_submodule(each)) for each in ("linear1", "linear2")] == [nn.Linear, nn.Linear]
    assert list(dense.state_dict()) == list(model_of("encoder_layer").state_dict())
    assert dense.activation_relu_or_gelu == 2
    assert gated.model.activation_relu_or_gelu == 0


def test_a_frozen_layer_stays_frozen():
    model = model_of("mlp")
    model.get_submodule("0").requires_grad_(False)
    gated = gate(model, {"0": "2"}, strategy=strategies.find("top_k"), blocks=4, density=0.5)
    assert [gated.model.get_parameter(each).requires_grad for each in ("0.weight", "0.bias", "2.weight")] == [
        False,
        False,
        True,
    ]
    assert not gated.dense().get_parameter("0.weight").requires_grad


class TestFastPaths:
    """In evaluation PyTorch computes whole encoder layers from their weights."""

    def test_an_encoder_layer_in_evaluation_is_gated(self):
        x = examples_of("encoder_layer")
        gates = random_gates(rows_of("encoder_layer", 4))
        gated = scripted("encoder_layer", fixed(gates)).eval()
        expected = masked(model_of("encoder_layer"), MODELS["encoder_layer"][1], gates)(x)
        with torch.no_grad():
            torch.testing.assert_close(gated(x), expected, **TIGHT)
        with torch.inference_mode():
            torch.testing.assert_close(gated(x), expected, **TIGHT)

    @pytest.mark.parametrize("layer", [0, 1])
    def test_padded_sequences_of_an_encoder_are_gated_in_any_of_its_layers(self, layer):
        torch.manual_seed(0)
        encoder = nn.TransformerEncoder(encoder_layer(), 2).double().eval()
        dense, x = copy.deepcopy(encoder), examples_of("encoder_layer")
        padding = torch.arange(5) >= torch.tensor([[5], [3], [4], [2]])
        pair = {f"layers.{layer}.linear1": f"layers.{layer}.linear2"}
        gated = gate(encoder, pair, strategy=strategies.find("dense"), blocks=4, density=1.0)
        with torch.no_grad():
            found = gated(x, src_key_padding_mask=padding)
        # Without the fast path, which gives 0 where there is padding.
        expected = dense.train()(x, src_key_padding_mask=padding)
        torch.testing.assert_close(found[~padding], expected[~padding], **TIGHT)
        assert gated.dense().use_nested_tensor

    def test_other_layers_keep_theirs(self):
        encoder = nn.TransformerEncoder(encoder_layer(), 2)
        gated = gate(
            encoder, {"layers.0.linear1": "layers.0.linear2"}, strategy=strategies.find("dense"), blocks=4, density=1.0
        )
        layers = [gated.model.get_submodule(f"layers.{index}") for index in (0, 1)]
        assert [layer.activation_relu_or_gelu for layer in layers] == [0, 2]


def refused(model: nn.Module, pairs: Pairs, strategy: str = "top_k", **options: Any) -> str:
    before = [type(module) for module in model.modules()]
    with pytest.raises(InputError) as raised:
        gate(model, pairs, strategy=strategies.find(strategy), **{"blocks": 4, "density": 0.5, **options})
    assert [type(module) for module in model.modules()] == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestRefusals:
    """What is wrong is said in one line, and the model is as it was."""

    def test_names(self):
        assert refused(mlp(), {"0": "22"}).startswith("unknown nn.Linear '22': did you mean '2'? (known: 0, 2, 4, 6)")
        assert refused(mlp(), {"0": "1"}) == "1 is of type Tanh, expected a plain nn.Linear: 0, 2, 4, 6"
        assert refused(mlp(), {}).startswith("pairs is {}, expected names such as {'linear1': 'linear2'}")
        assert refused(mlp(), {"0": "2", "4": "2"}).startswith("2 is in two pairs")
        assert refused(nn.Linear(3, 3), {"": ""}).startswith("unknown nn.Linear ''")

    def test_subclasses_and_hooks(self):
        attention = nn.MultiheadAttention(8, 2, batch_first=True)
        model = nn.ModuleDict({"attention": attention, "linear": nn.Linear(8, 8)})
        assert refused(model, {"attention.out_proj": "linear"}).startswith(
            "attention.out_proj is of type NonDynamicallyQuantizableLinear, expected a plain nn.Linear"
        )
        normalised = mlp()
        nn.utils.parametrizations.weight_norm(normalised[0])
        assert refused(normalised, {"0": "2"}).startswith("0 is of type ParametrizedLinear")
        hooked = mlp()
        hooked[2].register_forward_hook(lambda *_: None)
        assert refused(hooked, {"0": "2"}).startswith("2 has hooks")

    def test_sizes(self):
        assert refused(mlp(), {"0": "4"}).startswith("0 gives 16 features and 4 reads 8: ")
        assert refused(mlp(), {"0": "2"}, blocks=3) == "0 has 16 hidden units, which 3 blocks cannot share evenly"
        assert refused(mlp(), {"0": "2"}, blocks=0) == "0 has 16 hidden units, which 0 blocks cannot share evenly"
        assert refused(mlp(), {"0": "2", "4": "6"}, blocks={"0": 4}).startswith("blocks and pairs differ in 4")

    def test_first_layers_of_one_pair(self):
        model = SwiGLU(4, 8)
        model.up_proj = nn.Linear(4, 6)
        assert refused(model, {("gate_proj", "up_proj"): "down_proj"}) == (
            "up_proj maps 4 features to 6, and gate_proj 4 to 8: first layers of one pair are alike"
        )
        assert refused(model, {("gate_proj", "gate_proj"): "down_proj"}).startswith(
            "gate_proj is in two pairs, or twice"
        )
        assert refused(model, {(): "down_proj"}).startswith("unknown nn.Linear ''")
        assert refused(model, {("gate_proj", "up_pro"): "down_proj"}).startswith(
            "unknown nn.Linear 'up_pro': did you mean 'up_proj'"
        )

    def test_shared_weights(self):
        model = mlp()
        model.add_module("again", model[0])
        assert refused(model, {"0": "2"}).startswith("0.weight is shared with again.weight")
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.Embedding(4, 8))
        model[3].weight = model[2].weight
        assert refused(model, {"0": "2"}).startswith("2.weight is shared with 3.weight")

    def test_more_than_one_precision(self):
        model = mlp()
        model[4].double()
        assert "expected one device and one dtype" in refused(model, {"0": "2", "4": "6"})

    def test_positions_before_examples(self):
        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 1, enable_nested_tensor=False)
        assert refused(model, {"layers.0.linear1": "layers.0.linear2"}).startswith(
            "layers.0 has batch_first=False, expected batch_first=True"
        )

    @pytest.mark.parametrize(
        ("strategy", "said"),
        [
            ("local_search", "local_search needs flips, which a module of your own does not have"),
            ("act_halting", "act_halting needs passes, which a module of your own does not have"),
            ("small_dense", "small_dense trains a network of another shape"),
        ],
    )
    def test_strategies(self, strategy, said):
        assert refused(mlp(), {"0": "2"}, strategy).startswith(said)

    def test_what_is_no_strategy(self):
        named: Any = "top_k"
        with pytest.raises(InputError, match=r"^strategy is 'top_k', expected a class such as strategies\.find"):
            gate(mlp(), {"0": "2"}, strategy=named, blocks=4, density=0.5)
        listed: Any = [("0", "2")]
        assert refused(mlp(), listed).startswith("pairs is [('0', '2')], expected names")

    def test_budgets_and_settings(self):
        assert refused(mlp(), {"0": "2"}, density=0.0).startswith("density is 0, expected")
        assert refused(mlp(), {"0": "2"}, density=0.01).startswith("top_k cannot keep the budget: ")
        assert "top_k" in refused(mlp(), {"0": "2"}, settings={"nois": 1.0})

    def test_a_gated_model(self):
        gated = scripted("mlp", open_all)
        assert refused(gated.model, {"0": "2"}).startswith("0 is of type OutputGatedLinear, expected a plain nn.Linear")


def test_names_of_a_model_are_those_that_it_had():
    gated = scripted("encoder_layer", open_all)
    assert list(gated.model.state_dict()) == list(model_of("encoder_layer").state_dict())
    layers = {name: module for name, module in gated.model.named_modules() if isinstance(module, GatedLinear)}
    assert {name: (layer.in_features, layer.out_features) for name, layer in layers.items()} == {
        "linear1": (8, 16),
        "linear2": (16, 8),
    }


def test_every_pair_has_its_own_number_of_blocks():
    gated = gate(mlp(), {"0": "2", "4": "6"}, strategy=strategies.find("top_k"), blocks={"0": 8, "4": 3}, density=0.5)
    assert gated.architecture.network == "module:0+2=8x2,4+6=3x4"
    assert gated(torch.zeros(2, 6)).shape == (2, 3)
