"""Small transformers in double precision, their formula in plain PyTorch, and sequences of letters."""

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from core.architecture import Architecture
from core.architecture.transformer import Transformer
from core.network.blocks import BlockLinear
from core.network.transformer import TransformerNetwork
from tests.support.networks import dense_matrix, seeded

LETTERS = 3


def transformer_of(network: str, *, seed: int = 0, scale: float = 1.0) -> TransformerNetwork:
    """One whose parameters are all random, and whose weights are multiplied by ``scale``."""
    architecture = Architecture.parse(network, features=0, classes=LETTERS, activation="tanh")
    assert isinstance(architecture, Transformer)
    made = TransformerNetwork(architecture).double()
    generator = seeded(seed)
    made.reset(lambda part: generator, 0.5)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(generator=generator)
            else:
                parameter.mul_(scale)
        for table in (made.letters.weight, made.places.weight):
            table.normal_(generator=generator)
    return made


def letters(sequences: int, context: int, seed: int = 0) -> Tensor:
    return torch.randint(LETTERS, (sequences, context), generator=seeded(seed))


def in_plain_pytorch(network: TransformerNetwork, x: Tensor, gates: list[Tensor]) -> Tensor:
    """Logits ``[N * context, letters]``: every block computed, and attention position by position."""
    heads, width = network.architecture.heads, network.architecture.features
    context = x.shape[1]
    hidden = network.letters.weight[x] + network.places.weight[:context]

    def norm(part: torch.nn.Module, values: Tensor) -> Tensor:
        assert isinstance(part, torch.nn.LayerNorm)
        return layer_norm(values, (width,), part.weight, part.bias)

    for index, gate in enumerate(gates):
        attention, feed_forward = network.attentions[index], network.feed_forwards[index]
        seen = norm(attention.norm, hidden)  # type: ignore[arg-type]
        query, key, value = (seen @ attention.qkv.weight.T + attention.qkv.bias).chunk(3, dim=2)  # type: ignore[union-attr, operator]
        mixed = torch.zeros_like(seen)
        for head in range(heads):
            own = slice(head * width // heads, (head + 1) * width // heads)
            for place in range(context):
                scores = (key[:, : place + 1, own] * query[:, place : place + 1, own]).sum(dim=2)
                weights = (scores / (width / heads) ** 0.5).softmax(dim=1)
                mixed[:, place, own] = (weights[:, :, None] * value[:, : place + 1, own]).sum(dim=1)
        hidden = hidden + mixed @ attention.out.weight.T + attention.out.bias  # type: ignore[union-attr, operator]
        up, down = feed_forward.up, feed_forward.down
        assert isinstance(up, BlockLinear)
        assert isinstance(down, BlockLinear)
        assert up.bias is not None
        assert down.bias is not None
        size = network.architecture.layers[index].size
        inner = (norm(feed_forward.norm, hidden) @ dense_matrix(up) + up.bias).tanh()  # type: ignore[arg-type]
        inner = inner * gate.repeat_interleave(size, dim=1).view(*x.shape, -1)
        hidden = hidden + inner @ dense_matrix(down) + down.bias
    logits = norm(network.norm, hidden) @ network.readout.weight.T + network.readout.bias
    return logits.flatten(0, 1)
