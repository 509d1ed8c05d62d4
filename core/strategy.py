"""The strategy protocol: the decisions a strategy makes, and all it may ask of the network.

Gates are chosen layer by layer from activations that are already gated, so a strategy is a callback inside the
forward pass; and it owns how many passes there are. Optimiser, seeds and accounting stay with core.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.architecture import Need as Need
from core.space import Domain, check_layers, complete
from kernels import GateGrad

Family = Literal["control", "policy gradient", "relaxation", "search", "routing", "halting"]


class Site(Protocol):
    """Where a decision is made: one gated layer in one pass."""

    @property
    def index(self) -> int:
        """The layer, counted from 0."""

    @property
    def blocks(self) -> int:
        """How many blocks the layer has."""

    @property
    def hidden(self) -> Tensor:
        """``[B, features]``: the layer's input, already gated."""

    @property
    def scores(self) -> Tensor:
        """``[B, blocks]``: the gater's logits; computed, and charged, on first use."""

    @property
    def scores_detached(self) -> Tensor:
        """The same logits with the gradient to :attr:`hidden` cut, so that only the gater learns from them."""

    def scores_at(self, indices: Tensor) -> Tensor:
        """Return ``[B, m]``: only the logits at ``indices`` ``[B, m]`` of each example, and charge only those."""

    def map(self, module: nn.Module, *inputs: Tensor) -> Tensor:
        """Run a module of the strategy's own, such as a gater of two layers, and charge it to this decision.

        Charged are matrix products, convolutions and attention, by the formulas of ``torch.utils.flop_counter``, and
        elementwise multiplications, divisions and powers at one each; in training the gradients to the module's
        parameters, and to those of its inputs that have one, too. A matrix product that reads the input of this layer,
        or of an earlier one of the pass, costs its *open* units only. Biases, activations, normalisations, sorting and
        random draws are free. What was counted for the first inputs of a shape stands for all of that shape.

        Args:
            module: an attribute of the strategy, so that its parameters are trained and saved.
            inputs: of the module; :attr:`hidden` if none are given. The input of an earlier layer, or the result of an
                earlier map, makes a predictor that looks ahead.

        Returns:
            What the module returned, one tensor.

        Raises:
            ProtocolError: the module returned something else.
        """


@dataclass(frozen=True)
class Decision:
    """What a strategy decides at a site.

    Attributes:
        gates: ``[B, blocks]``; 0 is closed, any other finite number scales its block.
        probability: ``[B, blocks]`` in 0..1, the strategy's own open-probability, for penalties, entropy and the
            all-closed fallback. None where a layer can never be fully closed.
        gate_grad: ``"exact"`` gives closed gates their true gradient, and charges training for computing them.
    """

    gates: Tensor
    probability: Tensor | None = None
    gate_grad: GateGrad = "open"


@dataclass(frozen=True)
class GateRule:
    """A decision at test time that needs nothing but the gater's scores, so that it can be compiled.

    Attributes:
        kind: ``threshold`` opens where ``sigmoid(scale * score)`` is above 1/2, ``sampled`` where a uniform draw is
            below it, ``top`` the ``tau * n`` highest scores.
        scale: see there.
        thresholds: one per gated layer, which is first subtracted from its scores; nothing is if there are none.
    """

    kind: Literal["threshold", "sampled", "top"]
    scale: float = 1.0
    thresholds: tuple[float, ...] = ()


Decide = Callable[[Site], Decision]


@dataclass(frozen=True)
class Pass:
    """An answer to the current batch: one pass of the network, or several mixed by a halting distribution.

    Its tensors are only to be read: writing to one in place is an error, and no record would hold what was written.

    B are the rows that gates are decided for: examples, or in a transformer all positions of all sequences, sequence by
    sequence. With S samples per example the rows are S copies of the batch, sample by sample, so that
    ``loss.unflatten(0, (S, -1))`` is ``[S, B]``.

    In a module of a user's own (:mod:`core.modules`) each layer has rows of its own, the positions of its input. There
    decisions, inputs and executed blocks are by these rows, losses and multiply-adds by example, and ``output`` has no
    columns.

    Attributes:
        decisions: one per gated layer; several passes' decisions, one after another, in a mix.
        hidden: ``[B, units]``, the last layer's gated output, which a later pass may carry on from.
        output: ``[B, classes]``, class logits.
        executed: per layer ``[B, blocks]``, how often each block was computed for each example.
        macs: ``[B]``, multiply-adds the output needs, gater included.
        training_macs: ``[B]``, multiply-adds of the computation and, where gradients are on, of its backward.
        loss: ``[B]``, negative log likelihood in nats; None when labels are withheld.
        samples: how many copies of the batch the rows hold.
    """

    decisions: tuple[Decision, ...]
    hidden: Tensor
    output: Tensor
    executed: tuple[Tensor, ...]
    macs: Tensor
    training_macs: Tensor
    loss: Tensor | None = None
    samples: int = 1

    def mean_loss(self) -> Tensor:
        """The mean negative log likelihood over all rows, in nats.

        Raises:
            ProtocolError: labels are withheld.
        """
        if self.loss is None:
            raise ProtocolError("labels are withheld: this pass has no loss")
        return self.loss.mean()


@dataclass(frozen=True)
class SinglePass(Pass):
    """One run of the network over the current batch.

    Attributes:
        inputs: the gated input of each layer and of the read-out, as computed.
        read: ``[B]`` float64 for each of these, how many of its units are open.
        products: what a pass that carries on from this one need not compute again; for the network alone.
    """

    inputs: tuple[Tensor, ...] = field(kw_only=True)
    read: tuple[Tensor, ...] = field(kw_only=True)
    products: object = field(default=None, kw_only=True, repr=False)


class Table(Protocol):
    """The losses in nats under other gates of one layer of a pass, from cached block contributions.

    Gates of later layers stay as in the pass. Nothing sends a gradient. The table is charged once, when it is made; its
    calls cost the products of the layers after the next one, which is none in the last gated layer.
    """

    @property
    def gates(self) -> Tensor:
        """``[B, blocks]``: the gates of the pass, where a search may start."""

    def losses(self, gates: Tensor) -> Tensor:
        """Return ``[B]``: the loss under these gates ``[B, blocks]``; or ``[B, C]`` under ``[B, C, blocks]``.

        Raises:
            ProtocolError: the gates are of another shape.
        """

    def flips(self, gates: Tensor) -> Tensor:
        """Return the loss with each one gate flipped, in the shape of ``gates``, ``[B, blocks]`` or ``[B, C, blocks]``.

        Open gates are closed, closed gates are opened to 1.

        Raises:
            ProtocolError: the gates are of another shape.
        """

    def swaps(self, gates: Tensor) -> Tensor:
        """Return ``[B, blocks, blocks]``: at ``i, j`` the loss with open block i closed and closed block j opened to 1.

        It is infinite where i is not open or j is not closed, so that the number of open blocks stays what it is.

        Raises:
            ProtocolError: the gates are of another shape than ``[B, blocks]``.
        """


class Batch(Protocol):
    """A batch to run the network on. Core makes one per batch, and counts every call."""

    @property
    def generator(self) -> torch.Generator:
        """The only source of gate noise."""

    @property
    def progress(self) -> float:
        """How far training is, from 0 to 1, for annealing."""

    @property
    def density(self) -> float:
        """The target share of open blocks, tau."""

    def __call__(self, decide: Decide, carry: Pass | None = None, samples: int = 1) -> SinglePass:
        """Run the network over the batch, ``samples`` times per example, asking ``decide`` at every gated layer.

        Args:
            decide: called at each :class:`Site`, from input to output.
            carry: the pass whose hidden state this one carries on from; the strategy must declare it needs passes.
            samples: how many independent copies of each example to run.

        Raises:
            ProtocolError: a decision does not fit its site, or ``carry`` was not declared.
        """

    def cost_to_go(self, done: SinglePass) -> tuple[Tensor, ...]:
        """Return for each gated layer the losses that the gates of a row can change, summed, as costs of a policy.

        In a fully connected network that is the row's own loss. In a transformer, a position's gates in any layer but
        the last change what later positions attend to, so that their losses count too.

        The mean over a layer's rows of ``cost * grad log pi(gates)`` estimates the gradient of the mean loss. So in a
        module of a user's own, whose losses are of examples, a row has its example's loss times the layer's positions.

        Args:
            done: a pass of this batch.

        Returns:
            ``[samples, examples, positions]`` in nats, without a gradient, whose order when flattened is that of the
            layer's rows; layers whose gates change the same losses have the same tensor.

        Raises:
            ProtocolError: labels are withheld.
        """

    def table(self, base: SinglePass, layer: int) -> Table:
        """Return the table of all block contributions of a layer, for any number of flips, swaps and restarts.

        Raises:
            ProtocolError: labels are withheld, or ``base`` is a mix.
        """

    def flips(self, base: SinglePass, layer: int) -> Tensor:
        """Return ``[B, blocks]``: the loss in nats of ``base`` with that one gate of ``layer`` flipped.

        Open gates are closed, closed gates are opened to 1; the other gates stay as in ``base``, in later layers too.
        This is ``table(base, layer).flips`` of the gates of ``base``, with a table of its own.

        Raises:
            ProtocolError: labels are withheld, or ``base`` is a mix.
        """

    def project(self, done: SinglePass, module: nn.Module, layer: int = -1) -> Tensor:
        """Return ``[B, outputs]``: a map of what a layer of a pass has read, charged to that pass as by `Site.map`.

        Args:
            done: a pass of this batch.
            module: the map, a part of the strategy such as a halting unit or a learned baseline.
            layer: which layer's input; 0 is the network's, -1 the read-out's, that is the last hidden state.

        Raises:
            ProtocolError: this batch did not make the pass.
        """

    def mix(self, passes: Sequence[Pass], weights: Tensor) -> Pass:
        """Combine passes by a halting distribution ``weights`` ``[T, B]`` (Graves 2016, equations 7-8).

        Hidden states and logits are weighted sums. A pass is charged to an example only while it is running: up to the
        last pass that has a non-zero weight for it.

        Raises:
            ProtocolError: the passes are not in the order in which they were run, or the weights do not fit.
        """


class Strategy(nn.Module, ABC):
    """A way of deciding which blocks to compute. The class docstring's first line is its idea in one line.

    Attributes:
        source: the publication it is from.
        family: the kind of mechanism; sets its colour in figures.
        needs: what it asks of :class:`Batch` beyond one pass per batch.
        space: what a search may vary, and the defaults.
        gated: False for dense controls, which are free of the density budget.
        scores_blocks: False if score j of a gater is not about block j: dead blocks cannot be revived through it.
    """

    source: ClassVar[str]
    family: ClassVar[Family]
    needs: ClassVar[frozenset[Need]] = frozenset()
    space: ClassVar[Mapping[str, Domain]] = {}
    gated: ClassVar[bool] = True
    scores_blocks: ClassVar[bool] = True

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        """Check ``settings`` against :attr:`space`.

        Args:
            architecture: the network that will be decided for.
            settings: values for names in :attr:`space`; the rest take their defaults.
            generator: for the initial values of the strategy's own parameters, if it has any.

        Raises:
            InputError: a setting is unknown or out of range, or given for another number of layers.
        """
        super().__init__()
        self.architecture = architecture
        self.settings = complete(self.space, settings, self.name())
        check_layers(self.space, self.settings, len(architecture.layers), self.name())

    @classmethod
    def name(cls) -> str:
        """The file's stem, which also names the runs and the documentation page."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def idea(cls) -> str:
        """The first line of the class docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def reshape(cls, architecture: Architecture, density: float) -> Architecture:
        """Return the network to train in place of ``architecture``; only dense controls change it."""
        return architecture

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        """Say why no training can keep the budget, so that such a run is refused before it begins; None if one can.

        Args:
            architecture: the network before :meth:`reshape`.
            settings: complete, of :attr:`space`.
            density: the target share of open blocks.
            tolerance: how far realised density may exceed it, relative to it.
        """
        return None

    def initial_bias(self, density: float) -> float:
        """Return the bias that gaters start from: where a share ``density`` of the gates is open.

        That is its logit, unless the probability of a gate is another function of its score than the sigmoid.
        """
        return logit(density)

    def centres_scores(self) -> bool:
        """Return whether gaters use their weights less the mean over blocks, so that a score is about its block alone.

        Independent gates can close all blocks of an example together; with centred scores no example can ask for that.
        """
        return False

    def gate_rule(self) -> GateRule | None:
        """Return the rule that :meth:`infer` follows in every layer of its one pass, or None if it follows no rule."""
        return None

    def teacher_settings(self) -> Mapping[str, Any] | None:
        """Return settings under which the objective's pass has a teacher's gates, or None if there is no teacher.

        What label-using gates give away is measured with them.
        """
        return None

    def estimator_settings(self) -> Mapping[str, Any] | None:
        """Return settings under which the objective is nothing but an estimate of the expected loss's gradient.

        Bias and variance of the estimate are measured with them. None if gates are not independent draws with the
        probabilities that decisions name.
        """
        return None

    @abstractmethod
    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        """Return the scalar to minimise on a training batch, and the pass to log."""

    @abstractmethod
    def infer(self, batch: Batch) -> Pass:
        """Return the pass to predict from at test time: labels are withheld, gates are hard."""


def logit(share: float) -> float:
    """Return the logit of a share of open gates, of at most 0.99: a target of 1 has an infinite one.

    >>> logit(0.5), round(logit(1.0), 3)
    (0.0, 4.595)
    """
    return math.log(min(share, 0.99) / (1 - min(share, 0.99)))


class ProtocolError(RuntimeError):
    """A strategy broke the protocol; the message says how."""
