"""One number per arm over all settings of a study: mean differences, ranks, and what of the gap is closed."""
