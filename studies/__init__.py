"""Named studies: expansion into runs, scheduling, the ledger, aggregation, figures and the report."""
