"""The paper's experiment on SVHN: networks with gates, one with a target for each layer, and dense ones, with times.

The paper gives no rates and weights for these networks: they have those of its network of 10,10 blocks of 64 for
CIFAR-10, the nearest one.
"""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

LAYERS = (1 / 25, 1 / 7)

# What keeps the second network to its layers' targets: their mean, weighted by its 27 and 7 blocks.
MEAN = (27 * LAYERS[0] + 7 * LAYERS[1]) / (27 + 7)

BATCH = 128

# Its text has no baseline, weights that stay as they are, and sampled gates at test time.
THE_PAPERS = {
    "gates": "bernoulli",
    "baseline": "none",
    "density_price_rate": 0.0,
    "centred_scores": "never",
    "test_gates": "sampled",
}

# The authors' code, where it differs from their text.
THE_CODES = {"baseline": "batch_minimum", "probability_floor": 0.01, "penalties": "code"}

SWEEP = Sweep(
    seeds=6,
    arms=(
        Arm("condnet 13-8x16", "reinforce", network="13x16,8x16", density=1 / 11),
        Arm(
            "condnet 27-7x16",
            "reinforce",
            network="27x16,7x16",
            density=MEAN,
            strategy_settings={"layer_densities": LAYERS},
        ),
        Arm("condnet 25-22x32", "reinforce", network="25x32,22x32", density=1 / 22),
        Arm("code 25-22x32", "reinforce", network="25x32,22x32", density=1 / 22, strategy_settings=THE_CODES),
        Arm("NN 288-928", "dense", network="1x288,1x928", density=1.0),
        Arm("NN 800-736", "dense", network="1x800,1x736", density=1.0),
        Arm("NN 1280-1056", "dense", network="1x1280,1x1056", density=1.0),
    ),
    datasets=("svhn",),
    activation="tanh",
    training={
        "epochs": 120,
        "patience": 25,
        "batch_size": BATCH,
        "optimizer": "sgd",
        "schedule": "constant",
        "learning_rate": 1e-3 * BATCH,
        "gater_learning_rate": (1e-5 * BATCH, 5e-4 * BATCH),
        "lambda_l2": 0.01 / BATCH,
        "density_tolerance": 1000,
    },
    strategy_settings={
        "reinforce": {
            **THE_PAPERS,
            "lambda_s": 20 / BATCH,
            "lambda_v": (40 / BATCH, 20 / BATCH),
        },
    },
    primary=(
        Primary("condnet 25-22x32", "NN 1280-1056"),
        Primary("condnet 25-22x32", "NN 800-736"),
        Primary("condnet 27-7x16", "NN 288-928"),
    ),
    references=(),
    looks=(6, 10, 20),
    pairs=(("code 25-22x32", "condnet 25-22x32"),),
    measurements=("pass_time",),
)

STUDY = Study(
    question="Do gated networks beat wider dense ones in less time, as the paper says of SVHN?",
    source="paper, section 4 and figure 3",
    scales={
        "quick": replace(SWEEP, seeds=2, datasets=("mnist_5k",), training={**SWEEP.training, "epochs": 10}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 1000, "patience": 100}),
    },
)
