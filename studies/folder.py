"""The folder of one study's results: its frozen design, its ledger, and what is derived from them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from studies.ledger import Ledger, write_atomically
from studies.study import Design


@dataclass(frozen=True)
class Frozen:
    """What ``study.json`` holds.

    Attributes:
        design: what is run.
        environment: where it was frozen: versions, device, commit.
    """

    design: Design
    environment: Mapping[str, Any]


class ResultsFolder:
    """The folder ``RESULTS/NAME`` of one study."""

    def __init__(self, results: Path, study: str) -> None:
        self.path = results / study
        self.ledger = Ledger(self.path / "runs")
        self._study = study

    def freeze(self, frozen: Frozen) -> None:
        """Write ``study.json``."""
        design = frozen.design
        content = {"design": design.as_dict(), "design_hash": design.design_hash, "environment": frozen.environment}
        write_atomically(self.path / "study.json", json.dumps(content, indent=1) + "\n")

    def frozen(self) -> Frozen:
        """Read ``study.json``.

        Raises:
            InputError: the study has not been run here, or the file is damaged.
        """
        path = self.path / "study.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return Frozen(Design.from_dict(content["design"]), content["environment"])
        except FileNotFoundError:
            raise InputError(f"{path}: not there; python -m studies run {self._study} makes it") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a readable study: {error!r}") from None
