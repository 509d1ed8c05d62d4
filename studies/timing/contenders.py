"""The two sides of each case: the baseline and ours, as callables that change their gates from call to call.

A baseline may be computed in several ways, of which the fastest counts.
"""

import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

import strategies
from core import data
from core.architecture import Architecture
from core.network.cost import equal_macs_dense
from core.seeding import SeedStreams
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from kernels import block_linear
from studies.timing.batches import all_at_once, one_in_turn
from studies.timing.cases import MLP, MLP_DENSITY, TURNS, Case
from studies.timing.clock import Contender
from studies.timing.dense_twin import dense_twin, ways_of
from studies.timing.feed_forward import feed_forward_contenders
from studies.timing.gpu_contenders import gpu_contenders
from studies.timing.one_dnn import EAGER, ONE_DNN, available, packed_linear
from studies.timing.random_layer import RandomLayer

# The baseline in all ways, by their names, and ours.
Sides = tuple[Mapping[str, Contender], Contender]


def contenders(case: Case, device: str) -> Sides:
    """Return the baseline, in all ways that there are to compute it, and ours."""
    if case.case == "mlp_batch1":
        return _one_example(case)
    if case.case == "mlp_test_pass":
        return _test_pass(case)
    if case.case == "mlp_epoch":
        return _epoch(case)
    if case.case in ("feed_forward", "feed_forward_training"):
        return feed_forward_contenders(case, device)
    if device == "cuda":
        baseline, ours = gpu_contenders(case)
        return {EAGER: baseline}, ours
    layer = _Layer(case, device, torch.float32)
    match case.case:
        case "training":
            return layer.training()
        case "training_fused":
            return layer.training_fused()
        case _ if case.baseline == "masked":
            return layer.masked()
        case _:
            return layer.bound()


class _Layer(RandomLayer):
    def bound(self) -> Sides:
        """Ours bound to its weights, as the eager baseline is to its output: no allocation on either side."""
        # Not at the top: a GPU machine need not have numba.
        from kernels.cpu import BoundLinear

        out = torch.empty(self.case.batch, self.case.d_out)
        bound = BoundLinear(self.weight, self.bias, rows=self.case.batch)

        def dense(number: int) -> object:
            return torch.addmm(self.bias, self.x[number % TURNS], self.dense, out=out)

        ways: dict[str, Contender] = {EAGER: dense}
        if available():
            packed = packed_linear(self.dense.T, self.bias, self.case.batch)
            ways[ONE_DNN] = torch.inference_mode()(lambda number: packed(self.x[number % TURNS]))

        def ours(number: int) -> object:
            turn = number % TURNS
            return bound(self.x[turn], self.in_gates[turn], self.out_gates[turn])

        return ways, ours

    def masked(self) -> Sides:
        return {EAGER: lambda number: self._forward(number, "reference")}, lambda number: self._forward(number, "cpu")

    @torch.no_grad()
    def _forward(self, number: int, backend: str) -> Tensor:
        turn = number % TURNS
        gates = self.in_gates[turn], self.out_gates[turn]
        return block_linear(self.x[turn], self.weight, self.bias, *gates, backend=backend)

    def training(self) -> Sides:
        weight, bias, dense = (
            tensor.requires_grad_() for tensor in (self.weight, self.bias, self.dense.T.contiguous())
        )

        def baseline(number: int) -> object:
            x = self.x[number % TURNS].requires_grad_()
            y = torch.relu(linear(x, dense, bias))
            return torch.autograd.grad(y, [x, dense, bias], self.upstream)

        def ours(number: int) -> object:
            turn = number % TURNS
            x = self.x[turn].requires_grad_()
            gates = self.in_gates[turn], self.out_gates[turn]
            y = block_linear(x, weight, bias, *gates, activation="relu", backend="cpu")
            return torch.autograd.grad(y, [x, weight, bias], self.upstream)

        return {EAGER: baseline}, ours

    def training_fused(self) -> Sides:
        from kernels.cpu import backward_and_step

        dense, bias = self.dense.T.contiguous(), self.bias.detach().clone()
        weight, ours_bias = self.weight.detach(), self.bias.detach().clone()
        rate = 1e-6

        def baseline(number: int) -> object:
            x = self.x[number % TURNS].detach().requires_grad_()
            parameters = dense.requires_grad_(), bias.requires_grad_()
            y = torch.relu(linear(x, *parameters))
            x_grad, *gradients = torch.autograd.grad(y, [x, *parameters], self.upstream)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(gradient, alpha=rate)
            return x_grad

        def ours(number: int) -> object:
            turn = number % TURNS
            x, gates = self.x[turn].detach(), (self.in_gates[turn], self.out_gates[turn])
            y = block_linear(x, weight, ours_bias, *gates, activation="relu", backend="cpu")
            return backward_and_step(self.upstream, x, weight, ours_bias, *gates, y, "relu", learning_rate=rate)

        return {EAGER: baseline}, ours


def _streams() -> SeedStreams:
    return SeedStreams(0, "evaluate", "mnist_5k", 0)


@functools.cache
def _splits() -> data.Splits:
    return data.split(data.load("mnist_5k"), _streams(), "resampled")


def _training(strategy: str, shape: Architecture, density: float, epochs: int) -> Trained:
    settings = TrainingSettings.of({"epochs": epochs})
    return train(strategies.find(strategy), {}, shape, _splits(), _streams(), settings, density=density)


@functools.cache
def _trained() -> Trained:
    """A gated network, trained for a few epochs, so that its gates are those of a task and not of chance."""
    return _training("top_k", MLP, MLP_DENSITY, epochs=5)


def _networks(case: Case) -> tuple[nn.Sequential, Callable[[Tensor], Tensor], Tensor]:
    """Return the dense network, ours, and the test examples."""
    trained, splits = _trained(), _splits()
    shape = trained.network.architecture
    if case.baseline == "dense_equal_macs":
        shape = equal_macs_dense(shape, case.density)
    assert splits.test is not None
    return dense_twin(shape), trained.network.for_inference(trained.strategy, case.density), splits.test.x


def _one_example(case: Case) -> Sides:
    dense, fused, x = _networks(case)
    rows = list(x[:256].clone())
    singles = [row[None] for row in rows]

    baselines = {name: one_in_turn(way, singles) for name, way in ways_of(dense, 1, "cpu").items()}
    return baselines, lambda number: fused(rows[number % len(rows)])


def _test_pass(case: Case) -> Sides:
    dense, fused, x = _networks(case)
    batches = [batch.contiguous() for batch in x.split(case.batch)]
    baselines = {name: all_at_once(way, batches) for name, way in ways_of(dense, case.batch, "cpu").items()}
    return baselines, lambda _: [fused(batch) for batch in batches]


def _epoch(case: Case) -> Sides:
    """Return an epoch of a dense network and one of top_k, both trained by this suite in default batches."""
    dense = equal_macs_dense(MLP, case.density)

    def baseline(_: int) -> object:
        return _training("dense", dense, 1.0, epochs=1)

    return {EAGER: baseline}, lambda _: _training("top_k", MLP, case.density, epochs=1)
