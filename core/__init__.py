"""Block-gated networks, the contract of strategies, honest cost, data, and the training of one run.

At the root stands what a strategy's author needs: ``strategy`` (the contract), ``space`` (its settings),
``architecture`` (what it decides for), ``conformance`` (whether it keeps the contract), ``seeding`` and ``errors``.
"""
