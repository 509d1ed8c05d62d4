"""The execution of runs: in Ray Tune, one trial each, with progress and an estimate of the time left."""
