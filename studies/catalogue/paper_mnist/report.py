"""The paper's numbers on MNIST beside ours."""

from studies.report.publication.figures import publication_figures
from studies.report.publication.numbers import Published, published_table

SOURCE = "Bengio et al. 2015, section 4.1"

PUBLISHED = (
    Published("condnet 16x16", error=0.023),
    Published("NN 256", error=0.019),
    Published("NN 32", error=0.028),
)

FIGURES = publication_figures(PUBLISHED, SOURCE)

TABLES = (published_table(PUBLISHED, SOURCE),)
