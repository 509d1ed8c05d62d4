"""What strategies are made of: gates, estimators, penalties, baselines, halting, annealing."""
