"""A trained gated network that classifies one example per compiled call, or a batch in a few."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from kernels.arguments import check
from kernels.backend import Call
from kernels.cpu import chain
from kernels.cpu.compilation import LAYER, NETWORK, require
from kernels.cpu.launch import ACTIVATIONS, run_forward, unfit
from kernels.cpu.microkernel import LANES
from kernels.ordinary import PLAIN, unusual
from kernels.reference import Activation

_IDENTITY = ACTIVATIONS["identity"]
# What is closed in one layer is closed to all that reads it.
_NOT_CLEARED = 0
_FLOATS: Any = {"dtype": torch.float32, "device": "cpu"}
_STATE = ("_layers", "_readout", "_classes", "_activation", "_rule", "_splits", "_features")

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
        scores, held = layer.weight.new_empty(rows, n_out), layer.weight.new_empty(rows, n_out * out_size)
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
    rounding alone. Parameters are copied, so that later training does not show. Calls share memory, so that each thread
    needs a network of its own, which ``copy.deepcopy`` makes.

    Args:
        layers: from input to output.
        readout_weight: ``[1, n_in, in_size, classes]``.
        readout_bias: ``[classes]``.
        activation: of the gated layers.
        rule: ``threshold`` opens where ``sigmoid(scale * score)`` is above 1/2, ``sampled`` where a uniform draw is
            below it, ``top`` the highest scores.
        scale: see there.

    Raises:
        ValueError: the tensors are not plain ones of float32 on the CPU, or do not fit together.
        BackendError: this machine cannot run the kernels; the message says why.
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
        _check(layers, readout_weight, readout_bias)
        require(LAYER, NETWORK)
        blocks = [layer.weight.shape[0] for layer in layers]
        self._layers = [_copied(layer) for layer in layers]
        # Ten columns take as long as three registers' worth; padded with zeros they fill one.
        self._classes = readout_bias.shape[0]
        padding = (0, -self._classes % LANES)
        self._readout = pad(_copy(readout_weight), padding), pad(_copy(readout_bias), padding)
        kinds = {"threshold": chain.THRESHOLD, "sampled": chain.SAMPLED, "top": chain.TOP}
        self._activation = ACTIVATIONS[activation]
        self._rule = kinds[rule], float(scale)
        self._splits = blocks
        self._features = torch.Size([layers[0].weight.shape[1] * layers[0].weight.shape[2]])
        self._allocate()

    def _allocate(self) -> None:
        """Make the memory that calls write to, and the table of addresses."""
        rows = [
            [*(tensor.data_ptr() for tensor in layer[:4]), *layer.weight.shape, layer.top] for layer in self._layers
        ]
        rows.append([*(tensor.data_ptr() for tensor in self._readout), 0, 0, *self._readout[0].shape, 0])
        self._table = torch.tensor(rows, dtype=torch.int64, device="cpu")
        self._gates = torch.zeros(sum(self._splits), **_FLOATS)
        self._uniform = torch.zeros_like(self._gates) if self._rule[0] == chain.SAMPLED else None
        self._logits = torch.empty(self._readout[1].shape[0], **_FLOATS)
        self._answer = self._logits[: self._classes]
        self._rooms: dict[int, list[_Room]] = {}
        widest = max(layer.weight.shape[0] * layer.weight.shape[3] for layer in self._layers)
        self._addresses = (
            self._table.data_ptr(),
            len(self._layers),
            0 if self._uniform is None else self._uniform.data_ptr(),
            self._gates.data_ptr(),
            self._logits.data_ptr(),
        )
        self._options = (max(widest, *self._features), self._activation, *self._rule)

    def __getstate__(self) -> dict[str, object]:
        """What a copy is made of; its addresses are its own."""
        return {name: vars(self)[name] for name in _STATE}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._allocate()

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
        if not (
            type(x) in PLAIN
            and x.shape[-1:] == self._features
            and x.dtype is torch.float32
            and x.is_cpu
            and x.is_contiguous()
            and x.dim() <= 2
        ):
            raise ValueError(
                f"x is a {type(x).__name__} of {x.dtype} {list(x.shape)} on {x.device}, "
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
            uniform = None if self._uniform is None else torch.rand(room.scores.shape, **_FLOATS, generator=generator)
            drawn = 0 if uniform is None else uniform.data_ptr()
            chain.decide_rows(room.gates, drawn, rows, room.sizes[0], *self._rule, layer.top)
            sizes = rows, *room.sizes, self._activation, _NOT_CLEARED
            run_forward(hidden, *room.parameters, gates, room.gates, room.units, *sizes)
            hidden, gates = room.units, room.gates
        weight, bias = self._readout
        logits = weight.new_empty(rows, weight.shape[3])
        addresses = hidden, weight.data_ptr(), bias.data_ptr(), gates, 0, logits.data_ptr()
        run_forward(*addresses, rows, *weight.shape, _IDENTITY)
        return logits[:, : self._classes]

    @property
    def gates(self) -> tuple[Tensor, ...]:
        """The gates of the last example, ``[blocks]`` per layer."""
        gates: tuple[Tensor, ...] = self._gates.split(self._splits)
        return gates


def _check(layers: Sequence[FusedLayer], readout_weight: Tensor, readout_bias: Tensor) -> None:
    """Refuse parameters that compiled code cannot read, or that do not fit together."""
    above = [layer.weight for layer in layers[1:]] + [readout_weight]
    for layer, next_weight in zip(layers, above, strict=True):
        _check_linear(layer.weight, layer.bias)
        _check_linear(next_weight, None)
        n_out, n_in, in_size, out_size = layer.weight.shape
        if next_weight.shape[1:3] != (n_out, out_size):
            raise ValueError(f"a weight {list(next_weight.shape)} cannot read {n_out} blocks of {out_size} units")
        # A gater is one block of as many units as there are blocks to decide on.
        if layer.gater_weight.shape != (n_out, n_in * in_size):
            expected = [n_out, n_in * in_size]
            raise ValueError(f"gater_weight has shape {list(layer.gater_weight.shape)}, expected {expected}")
        _check_linear(layer.gater_weight.T[None, None], layer.gater_bias)
    _check_linear(readout_weight, readout_bias)
    if readout_weight.shape[0] != 1:
        raise ValueError(f"readout_weight has shape {list(readout_weight.shape)}, expected one block of classes")


def _check_linear(weight: Tensor, bias: Tensor | None) -> None:
    call = Call(weight.device.type, weight.dtype, tuple(weight.shape), in_gated=True, gate_grad="open")
    reason = unusual(weight, bias) or unfit(call)
    if reason is not None:
        raise ValueError(reason)
    size = weight.shape[1] * weight.shape[2] if weight.dim() == 4 else 0
    check((weight.new_empty(0, size), weight, bias, None, None), "identity", "open")


def _copied(layer: FusedLayer) -> FusedLayer:
    """Copy the tensors, and lay the gater's weight out as ``[n_in * in_size, n_out]``."""
    weight, bias, gater_weight, gater_bias, top = layer
    return FusedLayer(_copy(weight), _copy(bias), _copy(gater_weight.T), _copy(gater_bias), top)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format)
