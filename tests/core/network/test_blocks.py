import math

import pytest
import torch

from core.network.blocks import BlockLinear, Gater
from tests.support.networks import normal, seeded


def test_block_linear_starts_glorot_uniform_over_the_whole_layer():
    layer = BlockLinear(4, 8, 3, 16)
    layer.reset(seeded())
    bound = math.sqrt(6 / (4 * 8 + 3 * 16))
    assert layer.weight.shape == (3, 4, 8, 16)
    assert 0.98 * bound < layer.weight.abs().max() <= bound
    assert layer.weight.mean().abs() < 0.05 * bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert layer.bias is not None
    assert torch.equal(layer.bias, torch.zeros(48))


def test_block_linear_can_have_no_bias():
    layer = BlockLinear(2, 3, 2, 3, bias=False)
    layer.reset(seeded())
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize("density", [1 / 16, 0.25, 0.5, 0.9])
def test_gater_starts_at_the_logit_of_the_density(density):
    gater = Gater(12, 5)
    gater.reset(seeded(), density)
    assert torch.sigmoid(gater.bias).tolist() == pytest.approx([density] * 5)
    bound = math.sqrt(6 / (12 + 5))
    assert 0.9 * bound < gater.weight.abs().max() <= bound


def test_gater_of_density_one_is_nearly_open_but_not_saturated():
    gater = Gater(12, 5)
    gater.reset(seeded(), 1.0)
    assert torch.sigmoid(gater.bias).tolist() == pytest.approx([0.99] * 5)


def test_gater_scores_are_affine_in_the_input():
    gater = Gater(4, 3).double()
    gater.reset(seeded(), 0.25)
    hidden = normal(2, 4)
    for row, scores in zip(hidden, gater(hidden).tolist(), strict=True):
        for weights, score in zip(gater.weight.tolist(), scores, strict=True):
            products = [feature * weight for feature, weight in zip(row.tolist(), weights, strict=True)]
            assert score == pytest.approx(sum(products) + math.log(1 / 3), rel=1e-5)


@pytest.mark.parametrize("part", ["block_linear", "gater"])
def test_reset_depends_on_its_generator_alone(part):
    def weights(seed: int) -> torch.Tensor:
        layer: BlockLinear | Gater
        if part == "gater":
            layer = Gater(4, 3)
            layer.reset(seeded(seed), 0.5)
        else:
            layer = BlockLinear(2, 2, 3, 2)
            layer.reset(seeded(seed))
        return layer.weight.detach()

    before = torch.get_rng_state()
    first = weights(1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(weights(1), first)
    assert not torch.equal(weights(2), first)
    torch.set_rng_state(before)


@pytest.mark.parametrize("carried", [0, 4])
def test_centred_scores_of_an_input_have_the_mean_of_the_biases(carried):
    gater = Gater(12, 5, carried)
    gater.reset(seeded(), 0.25)
    with torch.no_grad():
        gater.bias.add_(torch.arange(5.0))
    seen = normal(7, 12 + carried).float()
    plain = gater(seen)
    gater.centred = True
    scores = gater(seen)
    torch.testing.assert_close(scores.mean(dim=1), gater.bias.mean().expand(7))
    # Differences between blocks are as they were.
    torch.testing.assert_close(scores - scores[:, :1], plain - plain[:, :1])
    indices = torch.tensor([[4, 0, 2]]).expand(7, -1)
    torch.testing.assert_close(gater.at(seen, indices), scores[:, [4, 0, 2]])
