"""What strategies share that do not learn their gates: one decision, in training and at test time alike."""

from abc import abstractmethod

from torch import Tensor

from core.strategy import Batch, Decide, Pass, Strategy


class UnlearnedStrategy(Strategy):
    """The network learns under gates that are decided in one way throughout; which way is left open."""

    @abstractmethod
    def decide(self, batch: Batch) -> Decide:
        """Return what decides at each site of a batch."""

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(self.decide(batch))
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(self.decide(batch))
