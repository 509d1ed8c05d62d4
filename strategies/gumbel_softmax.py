"""Gumbel-softmax: the concrete distribution of gates."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.anneal import geometric
from core.parts.drawn import DrawnStrategy, space
from core.parts.estimators.relaxation import Relaxation
from core.space import Choice, Domain, Real
from core.strategy import Batch, Family, Pass


class GumbelSoftmax(DrawnStrategy):
    """Relax sampling: a sigmoid or softmax of scores plus noise, over a temperature that falls in training.

    Biased, the less the lower the temperature. Bernoulli gates are ``s = sigmoid((logit + logit(u)) / T)``, ``u``
    uniform, and ``s > 1/2`` has exactly the open-probability; ``exactly_k`` ones are a relaxed top-k of scores with
    Gumbel noise; a ``tree``'s turns are binary. ``soft`` gates are the relaxed sample in training, so that every block
    is computed; ``hard`` ones are the sample that it relaxes, with its gradient. Test gates are hard in both.
    """

    source: ClassVar[str] = (
        "Maddison et al. 2017, arXiv 1611.00712; Jang et al. 2017, arXiv 1611.01144; top-k: Xie and Ermon 2019, "
        "arXiv 1901.10517"
    )
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **space("bernoulli", "exactly_k", "tree"),
        "mode": Choice("hard", ("hard", "soft")),
        "first_temperature": Real(1.0, low=0.1, high=5.0, log=True, search=(0.5, 3.0)),
        "last_temperature": Real(0.5, low=0.05, high=5.0, log=True, search=(0.1, 1.0)),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        temperature = geometric(self.settings["first_temperature"], self.settings["last_temperature"], batch.progress)
        return self.estimate(batch, Relaxation(temperature, self.settings["mode"]))
