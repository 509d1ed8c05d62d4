"""The paper's numbers on SVHN beside ours."""

from studies.report.publication.figures import publication_figures
from studies.report.publication.numbers import Published, published_table

SOURCE = "Bengio et al. 2015, section 4"

PUBLISHED = (
    Published("condnet 13-8x16", error=0.183, seconds=1.5, masked_seconds=2.2, speedup=1.4),
    Published("condnet 27-7x16", error=0.139, seconds=2.8, masked_seconds=4.3, speedup=1.6),
    Published("condnet 25-22x32", error=0.073, seconds=10.2, masked_seconds=14.1, speedup=1.4),
    Published("NN 288-928", error=0.116, seconds=4.8),
    Published("NN 800-736", error=0.100, seconds=10.7),
    Published("NN 1280-1056", error=0.091, seconds=16.8),
)

FIGURES = publication_figures(PUBLISHED, SOURCE)

TABLES = (published_table(PUBLISHED, SOURCE),)
