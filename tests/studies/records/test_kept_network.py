"""A kept network is one file that is read as it was written, or named in one line."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

from core.errors import InputError
from studies.records.kept_network import ENTRY, KeptNetwork, size
from tests.support.records import configurations_of, design_of, network_of, record_of

REMEDY = "do something about it"


@pytest.fixture
def kept() -> KeptNetwork:
    content = network_of(record_of(configurations_of(design_of("reinforce"))[0]))
    assert content is not None
    return KeptNetwork.from_content(content)


def test_every_number_comes_back(kept, tmp_path):
    odd = {
        "scalar": torch.tensor(0.1),
        "whole": torch.arange(3),
        "binary": torch.tensor([True, False]),
        "broken": torch.tensor([torch.nan, torch.inf, -0.0]),
        "none": torch.zeros(0, 3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "turned": torch.arange(6.0).view(2, 3).T.contiguous(),
    }
    network = replace(kept, tensors=odd, description=replace(kept.description, mean=0.1, std=1 / 3))
    network.write(tmp_path / "one.safetensors")
    found = KeptNetwork.read(tmp_path / "one.safetensors", REMEDY)
    assert replace(found.description, checksum="") == replace(network.description, checksum="")
    assert set(found.tensors) == set(odd)
    for name, tensor in odd.items():
        assert found.tensors[name].dtype == tensor.dtype
        torch.testing.assert_close(found.tensors[name], tensor, rtol=0.0, atol=0.0, equal_nan=True)


def test_its_size_is_known_before(kept):
    assert size(kept.tensors) == pytest.approx(len(kept.content()), rel=0.3)


def test_a_file_that_ends_anywhere_is_one_line(kept, tmp_path):
    content, path = kept.content(), tmp_path / "one.safetensors"
    for length in (0, 1, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=rf"one\.safetensors: is damaged, or .*; {REMEDY}$") as raised:
            KeptNetwork.read(path, REMEDY)
        assert "\n" not in str(raised.value)


def test_a_file_in_which_any_byte_was_changed_is_one_line(kept):
    content = kept.content()
    places = [*range(0, len(content), 97), len(content) - 1]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r".") as raised:
            KeptNetwork.from_content(bytes(changed))
        assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(ValueError, match=r"."):
        KeptNetwork.from_content(content + b"0")


@pytest.mark.parametrize("name", ["mean", "std", "test_error", "test_loss", "features"])
def test_what_is_said_of_it_cannot_be_changed(kept, name):
    content = json.loads(json.dumps(replace(kept.description, checksum=kept._checksum()).as_dict()))
    content[name] = 3
    edited = save(dict(kept.tensors), {ENTRY: json.dumps(content)})
    with pytest.raises(ValueError, match="its checksum is"):
        KeptNetwork.from_content(edited)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"format": "pt"}, {ENTRY: "{"}, {ENTRY: "[]"}, {ENTRY: '{"mean": 1}'}], ids=str
)
def test_another_safetensors_file_is_one_line(kept, metadata, tmp_path):
    (tmp_path / "one.safetensors").write_bytes(save(dict(kept.tensors), metadata))
    with pytest.raises(InputError, match="is damaged, or holds no trained network") as raised:
        KeptNetwork.read(tmp_path / "one.safetensors", REMEDY)
    assert "\n" not in str(raised.value)


def test_no_file_and_a_folder_are_one_line(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(InputError, match="is no file in which a network was kept"):
            KeptNetwork.read(path, REMEDY)
