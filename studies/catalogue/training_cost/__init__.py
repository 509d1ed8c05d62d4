"""What training itself costs: multiply-adds and seconds to given errors, backward passes included."""

from strategies import built_in
from studies.design import Arm, Primary, Study, Sweep

WIDER = "16x64"

IN_WIDER = ("dense", "small_dense", "reinforce", "straight_through", "local_search", "top_k", "tree_routing")

# An epoch of the dense network of 16x16 trains for as many multiply-adds as 5.37 of top_k's, which opens an eighth of
# the blocks once, and 1.34 of reinforce's, which does so five times.
EPOCHS_OF_TOP_K, EPOCHS_OF_REINFORCE = 5.37, 1.34


def sweep(seeds: int, epochs: int) -> Sweep:
    """Return the sweep: all strategies, and the dense network trained for the multiply-adds of two of them."""

    def dense(strategy: str, ratio: float) -> Arm:
        return Arm(f"dense, for {strategy}'s training", "dense", {"epochs": max(1, round(epochs / ratio))})

    as_top_k, as_reinforce = dense("top_k", EPOCHS_OF_TOP_K), dense("reinforce", EPOCHS_OF_REINFORCE)
    return Sweep(
        seeds=seeds,
        strategies=tuple(built_in()),
        arms=(*(Arm(f"{name}, {WIDER}", name, network=WIDER) for name in IN_WIDER), as_top_k, as_reinforce),
        # A run that opens too many blocks pays for every one of them in multiply-adds, and should not count as failed.
        training={"epochs": epochs, "density_tolerance": 1.0},
        references=(),
        # At equal multiply-adds of training: against the dense network of equal width, and of equal cost.
        primary=(
            Primary("top_k", as_top_k.name),
            Primary("reinforce", as_reinforce.name),
            Primary("top_k", "small_dense", network="16x16"),
        ),
        looks=(6, 10, 16, 24),
    )


STUDY = Study(
    question="Counting the backward pass, does gating make learning cheaper or faster than a dense network?",
    source="retrospective, R7",
    # Of six seeds the lowest and the highest are a 95 % interval of the median.
    scales={"quick": sweep(2, epochs=5), "default": sweep(6, epochs=12), "paper": sweep(24, epochs=50)},
)
