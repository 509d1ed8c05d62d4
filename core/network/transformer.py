"""A decoder-only transformer with gated feed-forward layers, whose rows are the positions of all sequences."""

import math
from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, scaled_dot_product_attention

from core.architecture.transformer import Transformer
from core.network.blocks import BlockLinear, Gater
from core.network.cost import PassCost
from core.network.counting import Reading
from core.network.network import UNDECLARED_PASSES, GatedNetwork
from core.network.site import LayerSite, decided, open_units, wants_exact
from core.strategy import Decide, Decision, Pass, ProtocolError, SinglePass
from kernels import Activation

# Of GPT-2 (Radford et al. 2019), whose residual branches too start smaller by the root of their number.
_EMBEDDING_STD = 0.02


@final
class TransformerNetwork(GatedNetwork):
    """Letters and places are embedded; each layer adds attention, then a gated feed-forward layer; then the read-out.

    ``h += W_o attention(norm(h))``, ``h += W_2 (f(W_1 norm(h) + b_1) * g) + b_2`` (Radford et al. 2019, section 2.3:
    layers are normalised before, and once more before the read-out). The gater of a layer sees ``norm(h)``, what the
    feed-forward layer reads. Attention, embeddings and read-out are not gated.

    Rows are positions, sequence by sequence. Multiply-adds of a row are those of its own position: attention reads its
    own and earlier positions, so that later rows cost more.
    """

    def __init__(self, architecture: Transformer, *, recurrent: bool = False) -> None:
        if recurrent:
            raise ProtocolError(f"network {architecture.network} carries no state from pass to pass")
        super().__init__()
        self.architecture: Transformer = architecture
        width, branches = architecture.features, 2 * len(architecture.layers)
        self.letters = _Embedding(architecture.classes, width)
        self.places = _Embedding(architecture.context, width)
        self.attentions = nn.ModuleList(_Attention(width, architecture.heads, branches) for _ in architecture.layers)
        self.feed_forwards = nn.ModuleList(
            _FeedForward(width, layer.blocks, layer.size, branches) for layer in architecture.layers
        )
        self.gaters = nn.ModuleList(Gater(width, layer.blocks) for layer in architecture.layers)
        self.norm = nn.LayerNorm(width)
        self.readout = _Linear(width, architecture.classes)

    def forward(self, x: Tensor, decide: Decide, carry: Pass | None = None) -> SinglePass:
        """Run one pass over ``x`` ``[N, context]`` int64 letters; rows are ``N * context``.

        Raises:
            ProtocolError: a decision does not fit its site, or ``carry`` is given.
        """
        if carry is not None:
            raise ProtocolError(UNDECLARED_PASSES)
        sequences, context = x.shape
        width = self.architecture.features
        hidden = (self.letters(x) + self.places.weight[:context]).flatten(0, 1)
        cost = PassCost(hidden.shape[0], hidden.device)
        whole = hidden.new_full((hidden.shape[0],), width, dtype=torch.float64)
        decisions: list[Decision] = []
        readings: list[Reading] = []
        for index, layer in enumerate(self.architecture.layers):
            hidden = hidden + self.attentions[index](hidden, sequences)
            self._charge_attention(cost, sequences)
            feed_forward = cast(_FeedForward, self.feed_forwards[index])
            seen = feed_forward.norm(hidden)
            readings.append(Reading(seen, whole, whole))
            site = LayerSite(index, seen, cast(Gater, self.gaters[index]), readings, cost)
            decision = decided(decide, site)
            decisions.append(decision)
            exact = wants_exact(decision)
            hidden = hidden + feed_forward(seen, decision, self.architecture.activation, exact=exact)
            needed = open_units(decision.gates, layer.size)
            site.charge_scores(cost, whole, whole)
            cost.product(whole, needed, computed=layer.units if exact else None, differentiated=whole)
            cost.product(needed, width, differentiated=layer.units if exact else needed)
        last = self.norm(hidden)
        cost.product(whole, self.architecture.classes, differentiated=whole)
        return SinglePass(
            decisions=tuple(decisions),
            inputs=(*(reading.values for reading in readings), last),
            read=(whole,) * (len(readings) + 1),
            hidden=last,
            output=self.readout(last),
            executed=tuple((decision.gates != 0).to(last.dtype) for decision in decisions),
            macs=cost.macs,
            training_macs=cost.training_macs,
        )

    def cost_to_go(self, own: Tensor) -> tuple[Tensor, ...]:
        # Attention of the next layer shows a position's gates to all later ones; behind the last layer there is none.
        later = own.flip(2).cumsum(2).flip(2)
        return (*(later,) * (len(self.architecture.layers) - 1), own)

    def _charge_attention(self, cost: PassCost, sequences: int) -> None:
        """Charge one attention, and where gradients are on those of both factors of all its products."""
        macs = self.architecture.attention_macs().to(cost.macs.device).repeat(sequences)
        cost.macs += macs
        cost.training_macs += 3 * macs if torch.is_grad_enabled() else macs


class _Embedding(nn.Module):
    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width))

    def reset(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            self.weight.normal_(0.0, _EMBEDDING_STD, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return embedding(x, self.weight)


class _Linear(nn.Module):
    """An affine map, Glorot-uniform, with weights multiplied by ``gain``."""

    def __init__(self, features: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, features))
        self.bias = nn.Parameter(torch.empty(outputs))
        self._gain = gain

    def reset(self, generator: torch.Generator) -> None:
        bound = self._gain * math.sqrt(6.0 / sum(self.weight.shape))
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class _Attention(nn.Module):
    """Causal self-attention of several heads (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, width: int, heads: int, branches: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.qkv = _Linear(width, 3 * width)
        self.out = _Linear(width, width, gain=branches**-0.5)
        self._heads = heads

    def forward(self, hidden: Tensor, sequences: int) -> Tensor:
        """Map ``[sequences * positions, width]`` to the same shape."""
        qkv = self.qkv(self.norm(hidden)).unflatten(0, (sequences, -1)).unflatten(2, (3, self._heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2).flatten(0, 1))
        return out


class _FeedForward(nn.Module):
    """Two projections around gated blocks of hidden units."""

    def __init__(self, width: int, blocks: int, size: int, branches: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = BlockLinear(1, width, blocks, size)
        self.down = BlockLinear(blocks, size, 1, width, gain=branches**-0.5)

    def forward(self, seen: Tensor, decision: Decision, activation: Activation, *, exact: bool) -> Tensor:
        """Map what is seen ``[rows, width]`` to what is added to it."""
        hidden = self.up(seen, None, decision.gates, activation, "exact" if exact else "open")
        added: Tensor = self.down(hidden, None if exact else decision.gates != 0)
        return added
