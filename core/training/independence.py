"""Whether what is inferred of an example depends on which other examples are inferred with it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.network.network import GatedNetwork
from core.strategy import ProtocolError, Strategy
from core.training.batch import CountedBatch
from core.training.draws import Draws, UnmatchedError
from core.training.evaluate import inferred

# A share of a run's own examples that may come out otherwise: where scores are within rounding of a threshold.
ROUNDING = 0.01
# A prime, so that no layer has as many blocks, nor a divisor of it.
EXAMPLES = 197
# Those of a smaller split cannot be told from blocks and samples in the shape of a draw.
FEWEST = 29


@dataclass(frozen=True)
class Dependence:
    """How far inferences of the same examples agree.

    Attributes:
        share: the largest share of examples, of those that were inferred in another company, that came out otherwise.
        how: the company in which they did, and what differed; or why none could be compared.
        compared: whether any could be.
    """

    share: float
    how: str
    compared: bool = True

    def __str__(self) -> str:
        return f"{self.how} for {self.share:.0%} of the examples" if self.compared else f"not compared: {self.how}"


def check_independence(
    network: GatedNetwork, strategy: Strategy, x: Tensor, generator: torch.Generator, *, density: float
) -> None:
    """Look at the first examples of a split, as :func:`dependence` does, where there are enough of them.

    Raises:
        ProtocolError: more of them than rounding explains come out otherwise in other company.
    """
    x = x[:EXAMPLES]
    if len(x) < FEWEST:
        return
    found = dependence(network, strategy, x, generator, density=density)
    if found.share > ROUNDING:
        raise ProtocolError(f"a prediction depends on the other examples of its batch: {found}")


def dependence(
    network: GatedNetwork, strategy: Strategy, x: Tensor, generator: torch.Generator, *, density: float
) -> Dependence:
    """Infer examples all together; then in another order, in smaller batches, and alone; and compare.

    An example keeps its random draws. Compared are the executed blocks, counted over all passes, and the output to
    three digits.

    Args:
        network: the network.
        strategy: its strategy.
        x: ``[B, features]``, at least three examples.
        generator: draws the gate noise of the first inference; the others repeat it.
        density: the target that the strategy is told.

    Raises:
        ProtocolError: what the strategy returned is not a prediction for each example.
    """
    strategy.eval()
    examples = len(x)
    everyone = torch.arange(examples, device=x.device)
    positions = network.architecture.positions
    draws = Draws(examples * positions)
    companies = {
        "in another order": [everyone.flip(0)],
        "in smaller batches": list(everyone.split([examples // 3, examples - examples // 3])),
        "alone": [everyone[:1], everyone[examples // 2 :][:1]],
    }
    worst = Dependence(0.0, "")
    try:
        with draws.noted():
            together = _infer(network, strategy, x, generator, density)
        for company, parts in companies.items():
            differing = torch.zeros(0, 2, dtype=torch.bool, device=x.device)
            for chosen in parts:
                rows = (chosen[:, None] * positions + torch.arange(positions, device=x.device)).flatten()
                with draws.again(rows):
                    found = _infer(network, strategy, x[chosen], generator, density)
                differing = torch.cat([differing, _differing(found, [values[rows] for values in together])])
            share = float(differing.any(dim=1).double().mean())
            if share > worst.share:
                what = "executes other blocks" if bool(differing[:, 0].any()) else "gives another output"
                worst = Dependence(share, f"{company}, infer {what}")
    except UnmatchedError as reason:
        return Dependence(0.0, str(reason), compared=False)
    return worst


@torch.no_grad()
def _infer(
    network: GatedNetwork, strategy: Strategy, x: Tensor, generator: torch.Generator, density: float
) -> list[Tensor]:
    """Return the executed blocks of all layers side by side, and the output."""
    batch = CountedBatch(network, x, None, generator, density=density)
    done = inferred(strategy, network.architecture, batch, watched=False)
    return [torch.cat(batch.executed(done), dim=1), batch.owned(done).output]


def _differing(found: list[Tensor], expected: list[Tensor]) -> Tensor:
    """``[m, 2]``: whether the executed blocks, and whether the output, of an example differ."""
    blocks = (found[0] != expected[0]).any(dim=1)
    close = torch.isclose(found[1], expected[1], rtol=1e-3, atol=1e-4, equal_nan=True)
    return torch.stack([blocks, ~close.all(dim=1)], dim=1)
