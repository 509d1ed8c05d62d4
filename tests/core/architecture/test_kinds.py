"""Every kind of network: what it writes it reads, and what it costs agrees with what a pass is charged."""

import pytest
import torch

from core.architecture import Architecture
from core.architecture.kinds import kinds
from core.errors import InputError
from core.network.cost import dense_macs, equal_macs_dense, gated_macs, least_macs
from core.network.kinds import build_network
from core.strategy import Decision, SinglePass, Site
from tests.support.networks import normal, seeded

SMALL = {
    "fully_connected": "4x3,4x3",
    "transformer": "transformer:layers=2,width=4,heads=2,context=3,blocks=4x3",
}
FEATURES, CLASSES = 5, 3


def architecture_of(kind: str) -> Architecture:
    return Architecture.parse(SMALL[kind], FEATURES, CLASSES)


def charged(architecture: Architecture, gates: float, *, asked: bool) -> torch.Tensor:
    """Multiply-adds of a pass whose gates all have one value."""

    def decide(site: Site) -> Decision:
        if asked:
            assert site.scores.shape == (len(site.hidden), site.blocks)
        return Decision(site.hidden.new_full((len(site.hidden), site.blocks), gates))

    network = build_network(architecture).double()
    network.reset(lambda part: seeded(), 0.5)
    one = (
        normal(2, FEATURES) if architecture.positions == 1 else torch.zeros(2, architecture.positions, dtype=torch.long)
    )
    done: SinglePass = network(one, decide)
    return done.macs


def test_every_kind_is_tested_here():
    assert [*SMALL] == kinds()


@pytest.mark.parametrize("kind", kinds())
def test_a_network_is_read_as_it_is_written(kind):
    architecture = architecture_of(kind)
    assert architecture.network == SMALL[kind]
    assert Architecture.parse(architecture.network, FEATURES, CLASSES) == architecture
    assert architecture.kind == kind
    assert build_network(architecture).architecture == architecture


@pytest.mark.parametrize("kind", kinds())
def test_what_is_foreseen_is_what_is_charged(kind):
    architecture = architecture_of(kind)
    assert charged(architecture, 1.0, asked=False).mean() == dense_macs(architecture)
    assert charged(architecture, 1.0, asked=True).mean() == gated_macs(architecture, 1.0)
    nothing = [torch.zeros(2 * architecture.positions, layer.blocks) for layer in architecture.layers]
    assert torch.equal(charged(architecture, 0.0, asked=False), least_macs(architecture, nothing))


@pytest.mark.parametrize("kind", kinds())
def test_a_site_sees_as_many_features_as_its_architecture_says(kind):
    architecture = architecture_of(kind)
    gaters = build_network(architecture).gaters
    assert [gater.weight.shape[1] for gater in gaters] == [  # type: ignore[index]
        architecture.seen(layer) for layer in range(len(architecture.layers))
    ]


@pytest.mark.parametrize("kind", kinds())
def test_the_dense_network_of_equal_cost_is_of_the_same_kind(kind):
    architecture = architecture_of(kind)
    dense = equal_macs_dense(architecture, 0.5)
    assert dense.kind == kind
    assert {layer.blocks for layer in dense.layers} == {1}
    assert abs(dense_macs(dense) - gated_macs(architecture, 0.5)) <= 0.1 * gated_macs(architecture, 0.5)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("transformr:layers=2", "unknown kind of network 'transformr': did you mean 'transformer'"),
        ("transformer:laers=2", "did you mean 'layers'"),
        ("transformer:layers", "unknown part of network 'transformer' 'layers'"),
        ("transformer:layers=0", "layers=0 is not a whole number in 1..64"),
        ("transformer:width=1e3", "width=1e3 is not a whole number"),
        ("transformer:width=10", "width=10 is no multiple of heads=4"),
        ("transformer:blocks=16", "blocks=16 is not BLOCKSxSIZE such as 16x48"),
        ("transformer:context=1", "context=1 has no letters before the last"),
        ("fully_connected:4x4", "unknown kind of network 'fully_connected'"),
    ],
)
def test_what_is_no_network_is_said_in_one_line(network, said):
    with pytest.raises(InputError, match=said) as caught:
        Architecture.parse(network, FEATURES, CLASSES)
    assert "\n" not in str(caught.value)


def test_parts_that_are_not_given_have_defaults():
    # Of which runs are known by, so that none of them may ever be another.
    full = "transformer:layers=2,width=96,heads=4,context=64,blocks=16x48"
    assert Architecture.parse("transformer:", 1, 27).network == full
    assert Architecture.parse(full, 1, 27).short == "transformer:"
    small = Architecture.parse("transformer:blocks=1x104,heads=2", 1, 27)
    assert small.short == "transformer:heads=2,blocks=1x104"
    assert Architecture.parse(small.short, 1, 27) == small
    assert Architecture.parse(" transformer: width = 48 , layers=2".strip(), 1, 27).features == 48
