"""Whether a strategy keeps the protocol: the same checks for ours and for anybody's plugin.

``python -m studies strategies --check NAME`` runs them, with ``--plugin FILE`` on a file of your own.
"""

from core.conformance.checking import estimate, problems, warnings
from core.conformance.problem import Problem
from core.conformance.subject import NETWORKS

__all__ = ["NETWORKS", "Problem", "estimate", "problems", "warnings"]
