"""The tables that every study has."""

from studies.results.contrasts import CONTRASTS
from studies.results.every_run import RUNS
from studies.results.hypervolumes import HYPERVOLUMES
from studies.results.looks import LOOKS
from studies.results.optimism import OPTIMISM
from studies.results.overall import OVERALL
from studies.results.summary import SUMMARY
from studies.results.table import Table
from studies.results.winners import WINNERS

# In the order of the page, where a study's own come after the summary.
STANDARD: tuple[Table, ...] = (SUMMARY, CONTRASTS, LOOKS, OVERALL, OPTIMISM, WINNERS, HYPERVOLUMES, RUNS)
