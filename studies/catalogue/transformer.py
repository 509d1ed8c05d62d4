"""The next letter of a text in a transformer, whose feed-forward layers are gated at every position."""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

LEARNED = ("top_k", "gaussian_gates", "hard_concrete", "reinforce")

SWEEP = Sweep(
    seeds=4,
    arms=(
        # As mixtures of experts are routed: weighted gates, and little balance, since the loss itself spreads them.
        Arm("top_k", "top_k", strategy_settings={"gates": "weighted", "noise": 0.5, "balance": 0.01}),
        Arm("gaussian_gates", "gaussian_gates"),
        Arm("hard_concrete", "hard_concrete"),
        Arm("reinforce", "reinforce"),
        Arm("random_exactly_k", "random_exactly_k"),
    ),
    datasets=("kjv:1000000",),
    networks=("transformer:layers=2,width=96,heads=4,context=64,blocks=16x48",),
    # Sequences of 64 letters; in a single epoch the networks have only begun to learn.
    training={"epochs": 4, "batch_size": 8},
    # One, so that four seeds can tell; which it is was chosen on development data.
    primary=(Primary("top_k"),),
    looks=(4, 8, 20),
)

STUDY = Study(
    question="In a transformer's feed-forward layers, do gates beat the dense network of equal cost?",
    source="paper, section 1: more capacity at the same computation, in a transformer on text",
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            datasets=("kjv:20000",),
            networks=("transformer:layers=2,width=32,heads=4,context=32,blocks=8x16",),
        ),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, primary=tuple(Primary(name) for name in LEARNED)),
    },
)
