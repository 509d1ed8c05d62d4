"""A trained gated network that classifies one example per compiled call, or a batch in a few."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from kernels.backend import Call
from kernels.cpu import chain
from kernels.cpu.compilation import LAYER, NETWORK, announce
from kernels.cpu.launch import ACTIVATIONS, run_forward, unsupported
from kernels.cpu.microkernel import LANES
from kernels.reference import Activation

_IDENTITY = ACTIVATIONS["identity"]

Rule = Literal["threshold", "sampled", "top"]


class FusedLayer(NamedTuple):
    """A gated layer with its gater.

    Attributes:
        weight: ``[n_out, n_in, in_size, out_size]``.
        bias: ``[n_out * out_size]``.
        gater_weight: ``[n_out, n_in * in_size]``.
        gater_bias: ``[n_out]``.
        top: how many blocks the rule ``top`` opens.
    """

    weight: Tensor
    bias: Tensor
    gater_weight: Tensor
    gater_bias: Tensor
    top: int = 0


@dataclass(frozen=True)
class _Room:
    """A layer's scores and units for one batch size, with the addresses and sizes that its kernels take."""

    scores: Tensor
    held: Tensor
    gates: int
    units: int
    parameters: tuple[int, int]
    gater: tuple[int, int]
    sizes: tuple[int, ...]
    gater_sizes: tuple[int, ...]

    @classmethod
    def of(cls, layer: FusedLayer, rows: int) -> Self:
        n_out, n_in, in_size, out_size = layer.weight.shape
        scores, held = torch.empty(rows, n_out), torch.empty(rows, n_out * out_size)
        return cls(
            scores,
            held,
            scores.data_ptr(),
            held.data_ptr(),
            (layer.weight.data_ptr(), layer.bias.data_ptr()),
            (layer.gater_weight.data_ptr(), layer.gater_bias.data_ptr()),
            (n_out, n_in, in_size, out_size),
            (1, n_in, in_size, n_out),
        )


class FusedNetwork:
    """Gated layers, each with a gater, and an ungated read-out, without gradients, accounting or checks in between.

    One example is run in one compiled call, a batch in a few calls per layer.

    Decisions are those of the ordinary path, but for scores that differ from their threshold, or from another score, by
    rounding alone. Parameters are copied, so that later training does not show.

    Args:
        layers: from input to output.
        readout_weight: ``[1, n_in, in_size, classes]``.
        readout_bias: ``[classes]``.
        activation: of the gated layers.
        rule: ``threshold`` opens where ``sigmoid(scale * score)`` is above 1/2, ``sampled`` where a uniform draw is
            below it, ``top`` the highest scores.
        scale: see there.

    Raises:
        ValueError: the tensors are not float32 on the CPU.
    """

    def __init__(
        self,
        layers: Sequence[FusedLayer],
        readout_weight: Tensor,
        readout_bias: Tensor,
        *,
        activation: Activation,
        rule: Rule,
        scale: float = 1.0,
    ) -> None:
        for weight in (*(layer.weight for layer in layers), readout_weight):
            call = Call(weight.device.type, weight.dtype, tuple(weight.shape), in_gated=True, gate_grad="open")
            reason = unsupported(call)
            if reason is not None:
                raise ValueError(reason)
        announce(LAYER + NETWORK)
        self._layers = [_copied(layer) for layer in layers]
        # Ten columns take as long as three registers' worth; padded with zeros they fill one.
        self._classes = readout_bias.shape[0]
        padding = (0, -self._classes % LANES)
        self._readout = pad(_copy(readout_weight), padding), pad(_copy(readout_bias), padding)
        rows = [
            [*(tensor.data_ptr() for tensor in layer[:4]), *layer.weight.shape, layer.top] for layer in self._layers
        ]
        rows.append([*(tensor.data_ptr() for tensor in self._readout), 0, 0, *self._readout[0].shape, 0])
        self._table = torch.tensor(rows, dtype=torch.int64)
        blocks = [layer.weight.shape[0] for layer in layers]
        self._gates = torch.zeros(sum(blocks))
        self._uniform = torch.zeros(sum(blocks)) if rule == "sampled" else None
        self._logits = torch.empty(self._readout[1].shape[0])
        self._answer = self._logits[: self._classes]
        self._rooms: dict[int, list[_Room]] = {}
        self._splits = blocks
        self._features = torch.Size([layers[0].weight.shape[1] * layers[0].weight.shape[2]])
        widest = max(layer.weight.shape[0] * layer.weight.shape[3] for layer in layers)
        self._addresses = (
            self._table.data_ptr(),
            len(layers),
            0 if self._uniform is None else self._uniform.data_ptr(),
            self._gates.data_ptr(),
            self._logits.data_ptr(),
        )
        kinds = {"threshold": chain.THRESHOLD, "sampled": chain.SAMPLED, "top": chain.TOP}
        self._activation = ACTIVATIONS[activation]
        self._rule = kinds[rule], float(scale)
        self._options = (max(widest, *self._features), self._activation, *self._rule)

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the class logits: of one example always the same tensor, which the next call overwrites.

        Args:
            x: one example ``[features]`` or a batch ``[B, features]``, contiguous float32 on the CPU.
            generator: of the draws of the rule ``sampled``, taken as the ordinary path takes them.

        Returns:
            ``[classes]`` or ``[B, classes]``.

        Raises:
            ValueError: ``x`` does not fit, or gates are sampled and there is no generator.
        """
        if not (x.shape[-1:] == self._features and x.dtype is torch.float32 and x.is_cpu and x.is_contiguous()):
            raise ValueError(
                f"x is {x.dtype} {list(x.shape)} on {x.device}, "
                f"expected contiguous float32 [{self._features[0]}] on cpu, or a batch of these"
            )
        if self._uniform is not None and generator is None:
            raise ValueError("gates are sampled: a generator is needed")
        if x.dim() == 2:
            return self._batch(x, generator)
        if self._uniform is not None:
            torch.rand(self._uniform.shape, generator=generator, out=self._uniform)
        chain.run_chain(x.data_ptr(), *self._addresses, *self._options)
        return self._answer

    @torch.no_grad()
    def _batch(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        rows = x.shape[0]
        if rows not in self._rooms:
            # Only for the batch size in use: fresh pages for every batch take a quarter of the time.
            self._rooms = {rows: [_Room.of(layer, rows) for layer in self._layers]}
        hidden, gates = x.data_ptr(), 0
        for layer, room in zip(self._layers, self._rooms[rows], strict=True):
            if gates:
                run_forward(hidden, *room.gater, gates, 0, room.gates, rows, *room.gater_sizes, _IDENTITY)
            else:
                torch.addmm(layer.gater_bias, x, layer.gater_weight, out=room.scores)
            uniform = None if self._uniform is None else torch.rand(room.scores.shape, generator=generator)
            drawn = 0 if uniform is None else uniform.data_ptr()
            chain.decide_rows(room.gates, drawn, rows, room.sizes[0], *self._rule, layer.top)
            run_forward(hidden, *room.parameters, gates, room.gates, room.units, rows, *room.sizes, self._activation)
            hidden, gates = room.units, room.gates
        weight, bias = self._readout
        logits = torch.empty(rows, weight.shape[3])
        addresses = hidden, weight.data_ptr(), bias.data_ptr(), gates, 0, logits.data_ptr()
        run_forward(*addresses, rows, *weight.shape, _IDENTITY)
        return logits[:, : self._classes]

    @property
    def gates(self) -> tuple[Tensor, ...]:
        """The gates of the last example, ``[blocks]`` per layer."""
        gates: tuple[Tensor, ...] = self._gates.split(self._splits)
        return gates


def _copied(layer: FusedLayer) -> FusedLayer:
    """Copy the tensors, and lay the gater's weight out as ``[n_in * in_size, n_out]``."""
    weight, bias, gater_weight, gater_bias, top = layer
    return FusedLayer(_copy(weight), _copy(bias), _copy(gater_weight.T), _copy(gater_bias), top)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format)
