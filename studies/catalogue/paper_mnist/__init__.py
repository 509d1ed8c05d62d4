"""The paper's experiment on MNIST: its networks, rates and penalties.

The authors' code (github.com/bengioe/condnet) minimises the *sum* of the losses of a minibatch of 128 examples, and the
paper's rates and weights stand beside that sum; our objective is the mean. With plain SGD the same steps are: rates
times 128, weights of penalties divided by 128. Hidden units are tanh, as there.
"""

from dataclasses import replace

from studies.design import Arm, Primary, Study, Sweep

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
    seeds=10,
    arms=(
        Arm("condnet 16x16", "reinforce", network="16x16", density=1 / 16),
        Arm("code 16x16", "reinforce", network="16x16", density=1 / 16, strategy_settings=THE_CODES),
        Arm("NN 256", "dense", network="1x256", density=1.0),
        Arm("NN 32", "dense", network="1x32", density=1.0),
        # Of the multiply-adds that the code's network comes to at its realised density.
        Arm("NN 96", "dense", network="1x96", density=1.0),
    ),
    datasets=("mnist",),
    activation="tanh",
    training={
        "epochs": 100,
        "patience": 25,
        "batch_size": BATCH,
        "optimizer": "sgd",
        "schedule": "constant",
        "learning_rate": 1e-3 * BATCH,
        "gater_learning_rate": 5e-5 * BATCH,
        "lambda_l2": 0.005 / BATCH,
        # The paper sets no limit: it reports realised densities above tau.
        "density_tolerance": 1000,
    },
    strategy_settings={"reinforce": {**THE_PAPERS, "lambda_s": 200 / BATCH, "lambda_v": 200 / BATCH}},
    primary=(Primary("condnet 16x16", "NN 32"), Primary("condnet 16x16", "NN 256")),
    pairs=(("code 16x16", "condnet 16x16"), ("code 16x16", "NN 96")),
    references=(),
    looks=(6, 10, 20),
    measurements=("pass_time",),
)

STUDY = Study(
    question="Does a gated layer come between dense ones of equal width and of equal cost, as the paper says of MNIST?",
    source="paper, section 4.1 and figure 1",
    scales={
        "quick": replace(SWEEP, seeds=2, datasets=("mnist_5k",), training={**SWEEP.training, "epochs": 60}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 1000, "patience": 100}),
    },
)
