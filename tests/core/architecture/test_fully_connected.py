import pytest

from core.architecture import Architecture, GatedLayer
from core.architecture.fully_connected import FullyConnected
from core.errors import InputError


def test_parse_reads_layers_from_input_to_output():
    architecture = Architecture.parse(" 24x64, 3x7 ", 10, 4, "tanh")
    assert architecture == FullyConnected(10, (GatedLayer(24, 64), GatedLayer(3, 7)), 4, "tanh")
    assert [layer.units for layer in architecture.layers] == [1536, 21]


@pytest.mark.parametrize("network", ["1x1", "16x16", "24x64,24x64"])
def test_network_is_what_parse_reads(network):
    assert Architecture.parse(network, 3, 2).network == network


@pytest.mark.parametrize("network", ["", "16", "0x4", "4x0", "-1x4", "4x4,", "4X4", "4x4x4", "4.0x4", "axb", "04x4"])
def test_parse_refuses_other_forms_with_an_example(network):
    with pytest.raises(InputError, match="BLOCKSxSIZE such as 16x16") as caught:
        Architecture.parse(network, 3, 2)
    assert repr(network) in str(caught.value)
