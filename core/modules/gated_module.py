"""A user's own module with gates: trained in a loop of the user's own, and run under the gates of test time."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast, final

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from core.errors import InputError
from core.modules.architecture import ModuleArchitecture
from core.modules.batch import ModuleBatch
from core.modules.calibration import Calibration
from core.modules.cost import Cost, counted
from core.modules.fast_paths import FastPath, open_fast_paths
from core.modules.linears import GatedLinear
from core.modules.products import Products
from core.modules.running import Running
from core.network.blocks import Gater
from core.parts.thresholds import Thresholds
from core.seeding import SeedStreams
from core.strategy import Pass, ProtocolError, Strategy
from core.training.calibration import set_thresholds
from core.training.inference_path import exported_program

Losses = Callable[..., Tensor]


@final
class GatedModule(nn.Module):
    """A model whose pairs of linear layers are gated, its gaters, and the strategy that decides; made by :func:`gate`.

    Called, it is the model under the gates of test time. :meth:`objective` is what is minimised in training. It has
    all parameters and buffers of the three, and moves, saves and copies as any module does.

    Attributes:
        model: the user's own, which runs only inside of a call or an objective.
        gaters: one for each pair.
        strategy: that decides.
        architecture: the pairs, in the order in which the model runs them.
        density: the target share of open blocks.
    """

    def __init__(
        self,
        model: nn.Module,
        architecture: ModuleArchitecture,
        gaters: nn.ModuleList,
        strategy: Strategy,
        running: Running,
        closed: tuple[FastPath, ...],
        *,
        density: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.gaters = gaters
        self.strategy = strategy
        self.architecture = architecture
        self.density = density
        has_thresholds = any(isinstance(part, Thresholds) for part in strategy.modules())
        self.calibration = Calibration() if has_thresholds else None
        self._running = running
        self._closed = closed
        self._streams = SeedStreams(seed, "evaluate", "module", 0)
        self._noise: dict[str, torch.Generator] = {}
        self.train(model.training)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Run the model under the strategy's test gates, and return what it returns.

        Raises:
            InputError: the strategy opens what is above thresholds, and :meth:`calibrate` has not set them yet; or a
                pair does not run once, in its turn, on the examples.
        """
        self._check_calibrated()
        batch = self._inferring(inputs, options)
        return batch.returned(self._inferred(batch))

    def objective(self, losses: Losses, *inputs: Tensor, progress: float) -> Tensor:
        """Return the scalar to minimise on a batch of training examples.

        Args:
            losses: called once for each pass as ``losses(model, *inputs)``; returns ``[N]``, one loss per example.
            inputs: of examples, ``[N, ...]`` each. A strategy that draws several samples has each example repeated,
                so that ``losses`` gets ``[S * N, ...]`` and returns as many.
            progress: how far training is, from 0 to 1, for what the strategy anneals.

        Raises:
            InputError: inputs or losses are of other shapes, or a pair does not run once, in its turn, on the examples.
            ProtocolError: the strategy broke the protocol.
        """
        examples = _examples(inputs)
        for number, each in enumerate(inputs):
            if not isinstance(each, Tensor) or each.dim() == 0 or len(each) != examples:
                got = list(each.shape) if isinstance(each, Tensor) else type(each).__name__
                raise InputError(
                    f"input {number} of objective is {got}, expected a tensor of {examples} examples like the first; "
                    "what is not of examples belongs into losses"
                )
        if not 0 <= progress <= 1:
            raise InputError(f"progress is {progress:g}, expected how far training is, from 0 to 1")

        def run(samples: int) -> Tensor:
            return losses(self.model, *(_repeated(each, samples) for each in inputs))

        batch = self._batch(run, examples, progress=progress, labelled=True)
        returned = self.strategy.objective(batch)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise ProtocolError(f"objective returned {type(returned).__name__}, expected a scalar and a pass")
        objective, logged = returned
        batch.position(logged)
        if objective.dim() != 0:
            raise ProtocolError(f"objective returned {list(objective.shape)}, expected a scalar")
        return objective

    def parameter_groups(self, learning_rate: float, gater_learning_rate: float) -> list[dict[str, Any]]:
        """Return the parameters as an optimizer takes them: the model's, and those of gaters and strategy."""
        return [
            {"params": list(self.model.parameters()), "lr": learning_rate},
            {"params": [*self.gaters.parameters(), *self.strategy.parameters()], "lr": gater_learning_rate},
        ]

    @torch.no_grad()
    def calibrate(self, *inputs: Any, **options: Any) -> None:
        """Set the thresholds of test gates, so that of each pair the target share of blocks is open on these examples.

        Of a strategy without thresholds nothing is set. Thresholds stay until they are set again, so that this belongs
        after training, and before each look at the model while it trains.

        Args:
            inputs: of the model, of training or validation examples, never of those that it is tested on.
            options: likewise, by keyword.
        """
        if self.calibration is None:
            return
        with _evaluating(self):
            set_thresholds(
                self.strategy,
                len(self.architecture.layers),
                lambda: self._inferred(self._inferring(inputs, options)),
                density=self.density,
            )
        self.calibration.done = True

    @torch.no_grad()
    def cost(self, *inputs: Any, **options: Any) -> Cost:
        """Measure what the model computes for these examples under its test gates, in evaluation.

        Args:
            inputs: of the model.
            options: likewise, by keyword.

        Raises:
            InputError: as a call does.
        """
        self._check_calibrated()
        with _evaluating(self), counted() as products:
            batch = self._inferring(inputs, options, products)
            done = self._inferred(batch)
        examples = _examples((*inputs, *options.values()))
        rows = [decision.gates.shape[0] / examples for decision in done.decisions]
        pairs = self.architecture.pairs
        return Cost(
            pairs=batch.macs(),
            pairs_dense=sum(each * pair.macs(float(pair.units)) for each, pair in zip(rows, pairs, strict=True)),
            rest=products.macs / batch.passes / examples,
            densities={pair.first: float(executed.mean()) for pair, executed in zip(pairs, done.executed, strict=True)},
            passes=batch.passes,
        )

    def export(self, *inputs: Tensor) -> ExportedProgram:
        """Return the model under its test gates as a program of PyTorch's own operations, for any number of examples.

        It computes every block, multiplies closed ones by 0, and saves nothing.

        Args:
            inputs: of examples, ``[N, ...]`` each, on which the program has to give the model's own answers.

        Raises:
            InputError: the answers depend on noise, PyTorch cannot export the model, or the program gives others.
        """
        with _evaluating(self):
            return exported_program(self, inputs, self.strategy.name())

    def dense(self) -> nn.Module:
        """Return a copy of the model with ordinary linear layers again, of the weights as they are, without gates."""
        model = copy.deepcopy(self.model)
        for name, module in [*model.named_modules()]:
            if isinstance(module, GatedLinear):
                model.set_submodule(name, module.linear())
        open_fast_paths(model, self._closed)
        return model

    def _check_calibrated(self) -> None:
        if self.calibration is not None and not self.calibration.done:
            raise InputError(
                f"{self.strategy.name()} opens test gates above thresholds that are not set yet: call calibrate() with "
                "examples to set them on, after training"
            )

    def _inferring(
        self, inputs: Sequence[Any], options: Mapping[str, Any], products: Products | None = None
    ) -> ModuleBatch:
        def run(samples: int) -> Any:
            if samples != 1:
                raise ProtocolError(f"infer asks for {samples} samples, expected 1: a module is run once at test time")
            return self.model(*inputs, **options)

        return self._batch(run, _examples((*inputs, *options.values())), products=products)

    def _inferred(self, batch: ModuleBatch) -> Pass:
        done = self.strategy.infer(batch)
        if not isinstance(done, Pass):
            raise ProtocolError(f"infer returned {type(done).__name__}, expected a pass")
        batch.position(done)
        return done

    def _batch(self, run: Callable[[int], Any], examples: int, **options: Any) -> ModuleBatch:
        generator = self._generator()
        return ModuleBatch(
            self.architecture, self.gaters, self._running, run, examples, generator, density=self.density, **options
        )

    def _generator(self) -> torch.Generator:
        device = cast(Gater, self.gaters[0]).bias.device
        # No noise is drawn on the device that holds no values.
        where = "cpu" if device.type == "meta" else str(device)
        if where not in self._noise:
            self._noise[where] = self._streams.torch("gates", device=where)
        return self._noise[where]


def _examples(inputs: Sequence[Any]) -> int:
    """Return the number of examples, which is the size of the first input's first dimension."""
    for each in inputs:
        if isinstance(each, Tensor) and each.dim() > 0:
            if each.shape[0] == 0:
                raise InputError(f"an input is {list(each.shape)}, expected at least one example")
            return each.shape[0]
    raise InputError("no input is a tensor of examples, expected one of [N, ...]")


def _repeated(x: Tensor, samples: int) -> Tensor:
    return x if samples == 1 else x.repeat(samples, *[1] * (x.dim() - 1))


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluate inside the ``with`` statement, and leave every part in the mode that it was in."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training
