"""The paper's experiment on MNIST: its networks, rates and penalties.

The authors' code (github.com/bengioe/condnet) minimises the *sum* of the losses of a minibatch of 128 examples, and the
paper's rates and weights stand beside that sum; our objective is the mean. With plain SGD the same steps are: rates
times 128, weights of penalties divided by 128. Hidden units are tanh, as there.
"""

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
