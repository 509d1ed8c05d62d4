"""Reports of finished studies."""

from pathlib import Path

from studies.records.folder import ResultsFolder
from studies.report.page import write_report
from studies.report.presentation import Presentation
from studies.results.collecting import collect

NO_FIGURES = Presentation(figures=())


def report_on(
    folder: ResultsFolder,
    presentation: Presentation = NO_FIGURES,
    question: str = "Which is best?",
    source: str = "a test",
) -> Path:
    """Write everything that is derived from a finished study; return the page."""
    return write_report(folder, collect(folder.frozen().design, folder.ledger), presentation, question, source)
