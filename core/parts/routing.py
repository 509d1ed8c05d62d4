"""What strategies that open a fixed number of blocks share: noisy choice in training, the best blocks at test time."""

from torch import Tensor

from core.parts.gates import budget, normal_like, straight_through, top_blocks
from core.parts.penalties import load_imbalance
from core.strategy import Batch, Decide, Decision, Site


def best_blocks(batch: Batch) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest scores."""

    def decide(site: Site) -> Decision:
        return Decision(top_blocks(site.scores, budget(site.blocks, batch.density)))

    return decide


def noisy_best_blocks(batch: Batch, density: float, noise: float, imbalance: list[Tensor]) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest of the noisy scores.

    The open gates are 1 with the gradient of their softmax probabilities.

    Args:
        batch: whose generator draws the noise.
        density: the share of blocks to open.
        noise: standard deviation of the Gaussian noise on the scores.
        imbalance: each site's load imbalance is appended here.
    """

    def decide(site: Site) -> Decision:
        noisy = site.scores + noise * normal_like(site.scores, batch.generator)
        chosen = top_blocks(noisy, budget(site.blocks, density))
        imbalance.append(load_imbalance(site.scores, chosen))
        return Decision(straight_through(chosen, chosen * noisy.softmax(dim=1)))

    return decide
