"""What the protocol computes from errors, one seed each: intervals, tests, power, verdicts, curves and fronts.

Scores are errors: lower is better. Functions are those of scipy, statsmodels and moocore, under one set of names; what
is random draws from the generator that it is given, and from nothing else.
"""
