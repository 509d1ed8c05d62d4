"""Expectations of gradient estimators without sampling: a strategy's objective under everything that it could draw."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from core.network.blocks import Gater
from core.network.fully_connected import FullyConnectedNetwork
from core.network.network import GatedNetwork
from core.parts.distributions.distribution import GateDistribution
from core.parts.distributions.tree_leaf import depth
from core.parts.drawn import DrawnStrategy
from core.parts.gates import budget
from core.strategy import Decision, Site
from core.training.batch import CountedBatch
from tests.support.networks import masked_dense, network_of, seeded

Gates = tuple[float, ...]


class Odometer:
    """Goes through all combinations of choices whose number is only known when they are asked for."""

    def __init__(self) -> None:
        self._digits: list[int] = []
        self._radices: list[int] = []
        self._position = 0
        self.weight = 1.0

    def pick(self, options: int) -> int:
        if self._position == len(self._digits):
            self._digits.append(0)
            self._radices.append(options)
        self._position += 1
        return self._digits[self._position - 1]

    def rounds(self) -> Iterator[None]:
        while True:
            self._position, self.weight = 0, 1.0
            yield
            while self._digits and self._digits[-1] == self._radices[-1] - 1:
                self._digits.pop()
                self._radices.pop()
            if not self._digits:
                return
            self._digits[-1] += 1

    def scripted(self, distribution: GateDistribution) -> GateDistribution:
        """The same distribution, but for its draws, which are picked, row by row."""

        def choose(scores: Tensor, generator: torch.Generator) -> Tensor:
            support = distribution.support(scores.shape[1]).to(scores.dtype)
            chosen = torch.stack([support[self.pick(len(support))] for _ in range(len(scores))])
            self.weight *= distribution.drawn(scores, chosen).log_probability.sum().exp().item()
            return chosen

        distribution.choose = choose  # type: ignore[method-assign]
        return distribution

    def uniform(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Uniform noise for probabilities ``values``: one point between each of 0, p, 1 - p and 1."""

        def of(p: float) -> float:
            ends = sorted((0.0, p, 1 - p, 1.0))
            number = self.pick(3)
            self.weight *= ends[number + 1] - ends[number]
            return (ends[number] + ends[number + 1]) / 2

        return torch.tensor([[of(p) for p in row] for row in values.tolist()], dtype=values.dtype)

    def coin(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Uniform noise that is only compared with 1/2."""

        def of() -> float:
            self.weight *= 0.5
            return (0.25, 0.75)[self.pick(2)]

        return torch.tensor([[of() for _ in row] for row in values.tolist()], dtype=values.dtype)


class Forced:
    """Decides for gates ``[rows, blocks]`` of each layer, and multiplies up how likely they were by the scores."""

    def __init__(self, kind: str, gates: Sequence[Tensor]) -> None:
        self.probability = torch.ones((), dtype=torch.float64)
        self._kind = kind
        self._gates = gates

    def __call__(self, site: Site) -> Decision:
        own, scores = self._gates[site.index], site.scores_detached
        if self._kind == "exactly_k":
            self.probability = self.probability * (scores.softmax(dim=1) * own).sum(dim=1).prod()
        else:
            self.probability = self.probability * (own * scores.sigmoid() + (1 - own) * (1 - scores.sigmoid())).prod()
        return Decision(own)


def all_forced(kind: str, blocks: int, rows: Sequence[int]) -> Iterator[Forced]:
    """Every set of gates that can be drawn of layers of so many rows, one of all ``blocks`` being open or any."""
    any_of_them = [*itertools.product((0.0, 1.0), repeat=blocks)]
    options = [each for each in any_of_them if kind != "exactly_k" or sum(each) == 1]
    for chosen in itertools.product(options, repeat=sum(rows)):
        yield Forced(kind, torch.tensor(chosen, dtype=torch.float64).split([*rows]))


def gater_parameters(network: GatedNetwork) -> list[Tensor]:
    return [parameter for gater in network.gaters for parameter in gater.parameters()]


def expected_gradient(
    strategy: DrawnStrategy,
    network: GatedNetwork,
    x: Tensor,
    y: Tensor,
    density: float,
    odometer: Odometer | None = None,
) -> Tensor:
    """The expectation of the objective's gradient in the gaters' parameters."""

    def objective() -> Tensor:
        return strategy.objective(CountedBatch(network, x, y, seeded(), density=density))[0]

    return expectation(strategy, objective, gater_parameters(network), odometer)


def expectation(
    strategy: DrawnStrategy,
    objective: Callable[[], Tensor],
    parameters: list[Tensor],
    odometer: Odometer | None = None,
) -> Tensor:
    """The expectation of an objective's gradient in parameters, under everything that the strategy can draw."""
    odometer = odometer or Odometer()
    own = strategy.distribution
    scripted: Callable[[float], GateDistribution] = lambda tau: odometer.scripted(own(tau))  # noqa: E731
    strategy.distribution = scripted  # type: ignore[assignment, method-assign]
    total, weights = torch.zeros(()), 0.0
    for _ in odometer.rounds():
        found = grad(objective(), parameters, materialize_grads=True, allow_unused=True)
        total = total + odometer.weight * torch.cat([each.flatten() for each in found])
        weights += odometer.weight
    assert math.isclose(weights, 1.0)
    return total


def exact_gradient(kind: str, network: FullyConnectedNetwork, x: Tensor, y: Tensor, density: float) -> Tensor:
    """The gradient of ``mean_i E[loss_i]`` in the gaters' parameters, by formulas of each distribution's own."""
    layers = network.architecture.layers
    expected = torch.zeros((), dtype=torch.float64)
    for row in range(len(x)):
        seen = x[row : row + 1]
        patterns = [list(_patterns(kind, layer.blocks, density)) for layer in layers]
        for combination in itertools.product(*patterns):
            gates = [torch.tensor([_gates(kind, pattern, layer.blocks, density)], dtype=torch.float64)
                     for pattern, layer in zip(combination, layers, strict=True)]  # fmt: skip
            weight = torch.ones((), dtype=torch.float64)
            for index, gater in enumerate(cast(list[Gater], list(network.gaters))):
                with torch.no_grad():
                    read = _below(network, seen, gates[:index])
                weight = weight * _probability(kind, (read @ gater.weight.T + gater.bias)[0], combination[index])
            with torch.no_grad():
                loss = cross_entropy(masked_dense(network, seen, gates)[1], y[row : row + 1])
            expected = expected + weight * loss / len(x)
    return torch.cat([each.flatten() for each in grad(expected, gater_parameters(network))])


def relative_error(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


def sensitive_network(layers: str, seed: int = 1) -> FullyConnectedNetwork:
    """One whose gates matter, as they hardly do with initial weights."""
    network = network_of(layers, seed=seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("weight"):
                parameter.mul_(3)
    return network


def _below(network: FullyConnectedNetwork, seen: Tensor, gates: list[Tensor]) -> Tensor:
    if not gates:
        return seen
    shape = ",".join(f"{layer.blocks}x{layer.size}" for layer in network.architecture.layers[: len(gates)])
    part = network_of(shape, activation=network.architecture.activation)
    for own, whole in zip(part.layers, network.layers, strict=False):
        own.load_state_dict(whole.state_dict())
    return masked_dense(part, seen, gates)[0]


def _patterns(kind: str, blocks: int, density: float) -> Iterator[Any]:
    match kind:
        case "bernoulli":
            yield from itertools.product((0.0, 1.0), repeat=blocks)
        case "exactly_k":
            yield from itertools.permutations(range(blocks), budget(blocks, density))
        case _:
            yield from itertools.product((0, 1), repeat=depth(blocks, density))


def _gates(kind: str, pattern: tuple[int, ...], blocks: int, density: float) -> Gates:
    if kind == "bernoulli":
        return pattern
    if kind == "exactly_k":
        return tuple(float(block in pattern) for block in range(blocks))
    leaf = sum(turn << (len(pattern) - 1 - level) for level, turn in enumerate(pattern))
    return tuple(float(block * 2 ** len(pattern) // blocks == leaf) for block in range(blocks))


def _probability(kind: str, scores: Tensor, pattern: tuple[int, ...]) -> Tensor:
    weight = torch.ones((), dtype=torch.float64)
    if kind == "bernoulli":
        for gate, score in zip(pattern, scores, strict=True):
            weight = weight * (score.sigmoid() if gate else 1 - score.sigmoid())
    elif kind == "exactly_k":
        left = list(range(len(scores)))
        for block in pattern:
            weight = weight * scores[block].exp() / scores[left].exp().sum()
            left.remove(block)
    else:
        node = 0
        for turn in pattern:
            weight = weight * (scores[node].sigmoid() if turn else 1 - scores[node].sigmoid())
            node = 2 * node + 1 + turn
    return weight
