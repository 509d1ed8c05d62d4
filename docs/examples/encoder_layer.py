"""Gates the feed-forward part of an encoder layer, on the rows of 8 x 8 digits, and prints what that saves."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import strategies
from core.modules import GatedModule, gate

EPOCHS, BATCH = 30, 50
WIDTH, HIDDEN, BLOCKS, DENSITY = 32, 256, 16, 1 / 8


class Digits(nn.Module):
    """A sequence of eight rows of pixels, one encoder layer, and a read-out of ten classes."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(8, WIDTH)
        self.place = nn.Parameter(torch.zeros(8, WIDTH))
        self.encoder = nn.TransformerEncoderLayer(WIDTH, 4, hidden, dropout=0.1, batch_first=True)
        self.readout = nn.Linear(8 * WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map digits ``[N, 8, 8]`` to logits ``[N, 10]``."""
        logits: Tensor = self.readout(self.encoder(self.embedding(x) + self.place).flatten(1))
        return logits


def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return one loss per example."""
    return cross_entropy(model(x), y, reduction="none")


def trained(hidden: int, strategy: str, density: float) -> GatedModule:
    """Train the model with gates in its feed-forward part; the strategy ``dense`` leaves all of them open."""
    # Products this small gain nothing from more threads, which wait for each other on a busy machine.
    torch.set_num_threads(1)
    torch.manual_seed(0)
    gated = gate(
        Digits(hidden),
        {"encoder.linear1": "encoder.linear2"},
        strategy=strategies.find(strategy),
        blocks=BLOCKS if density < 1 else 1,
        density=density,
    )
    optimizer = torch.optim.Adam(gated.parameter_groups(learning_rate=1e-3, gater_learning_rate=1e-3))
    steps = EPOCHS * (len(train) // BATCH)
    for step in range(steps):
        if step % (len(train) // BATCH) == 0:
            batches = train[torch.randperm(len(train))].split(BATCH)
        chosen = batches[step % len(batches)]
        objective = gated.objective(losses, x[chosen], y[chosen], progress=step / steps)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
    gated.eval()
    gated.calibrate(x[validation])
    return gated


def report(name: str, gated: GatedModule) -> float:
    """Print accuracy and cost on the test examples, and return the multiply-adds of the feed-forward part."""
    with torch.no_grad():
        accuracy = float((gated(x[test]).argmax(dim=1) == y[test]).float().mean())
    cost = gated.cost(x[test])
    density = cost.densities["encoder.linear1"]
    print(f"{name:24} {accuracy:9.1%} {density:8.1%} {cost.pairs:13,.0f} {cost.gated:13,.0f}")
    return cost.pairs


pixels, labels = load_digits(return_X_y=True)
x, y = torch.from_numpy(pixels).float().view(-1, 8, 8) / 8 - 1, torch.from_numpy(labels)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
train, validation, test = order[:1200], order[1200:1400], order[1400:]

print(f"{'':24} {'accuracy':>9} {'density':>8} {'feed-forward':>13} {'whole model':>13}  multiply-adds per example")
dense = report("dense", trained(HIDDEN, "dense", density=1.0))
gated = report("gated", trained(HIDDEN, "hard_concrete", DENSITY))
narrow = round(HIDDEN * gated / dense)
report(f"dense, {narrow} hidden units", trained(narrow, "dense", density=1.0))
