"""The paper's numbers on CIFAR-10 beside ours."""

from studies.report.publication.figures import publication_figures
from studies.report.publication.numbers import Published, published_table

SOURCE = "Bengio et al. 2015, section 4.2"

PUBLISHED = (
    Published("condnet 24-24x64", error=0.511, seconds=6.8, masked_seconds=26.2, speedup=3.8),
    Published("condnet 16-32x16", error=0.514, seconds=1.4, masked_seconds=8.2, speedup=5.7),
    Published("condnet 10-10x64", error=0.497, seconds=2.0, masked_seconds=10.4, speedup=5.3),
    Published("bdNN 0.17", error=0.629, seconds=1.93, masked_seconds=10.3, speedup=5.3),
    Published("bdNN 0.2", error=0.590, seconds=2.8, masked_seconds=10.3, speedup=3.5),
    Published("NN 64-64", error=0.560, seconds=1.23),
    Published("NN 128-128", error=0.546, seconds=2.31),
    Published("NN 480-480", error=0.497, seconds=8.34),
)

FIGURES = publication_figures(PUBLISHED, SOURCE)

TABLES = (published_table(PUBLISHED, SOURCE),)
