"""Where gating begins to pay: learned gates beside dense networks of equal cost, with more and more examples."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from studies.design import Primary, Study, Sweep

LEARNED = ("reinforce", "hard_concrete", "gaussian_gates")

# The more examples, the fewer passes: about 3,000 steps from 100,000 windows on. Below that, and on digits, there are
# fewer, since learned gates and most dense networks are at their best, which is what is kept, before the last epoch.
EPOCHS: Mapping[str, int] = {
    "kjv:10000": 20,
    "kjv:30000": 15,
    "kjv:100000": 10,
    "kjv:300000": 3,
    "kjv:1000000": 1,
    "mnist:3000": 40,
    "mnist:12000": 20,
    "mnist": 5,
}


def _epochs(by_dataset: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    return {name: {"epochs": epochs} for name, epochs in by_dataset.items()}


MOST_TEXT = Primary(LEARNED[0], dataset="kjv:1000000")
# And the other end of the text, and the larger one of the digits.
ENDS = (MOST_TEXT, *(Primary(LEARNED[0], dataset=size) for size in ("kjv:10000", "mnist")))

SWEEP = Sweep(
    seeds=4,
    strategies=("random_exactly_k", *LEARNED),
    datasets=tuple(EPOCHS),
    networks=("16x32",),
    # Steps of 250 examples, so that a million windows take a minute.
    training={"batch_size": 250},
    dataset_training=_epochs(EPOCHS),
    # Four seeds decide no more than one contrast.
    primary=(MOST_TEXT,),
    looks=(4, 24),
    measurements=("training_examples",),
)

# On examples that need no download.
QUICK: Mapping[str, int] = {"kjv:5000": 10, "kjv:20000": 8, "mnist_5k:1000": 20, "mnist_5k": 12}

STUDY = Study(
    question="With how many training examples do gates begin to beat the dense network of equal cost?",
    source="paper, section 1: more capacity at the same computation, as the examples grow",
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            datasets=tuple(QUICK),
            dataset_training=_epochs(QUICK),
            primary=(Primary(LEARNED[0], dataset="kjv:20000"),),
        ),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=24, primary=ENDS),
    },
)
