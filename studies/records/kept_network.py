"""A trained network as it is kept: one safetensors file, with JSON in its header that says all that the tensors do not.

Nothing is pickled: reading one runs no code of its own.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from core.errors import InputError
from core.training.assembly import joined
from core.training.trained_network import TrainedNetwork
from studies.design.configuration import Configuration
from studies.design.plain import structured
from studies.formatting import printable
from studies.records.files import written_whole

# The header's entry that is ours.
ENTRY: Final = "gating-studies"
# Letters of what is said of a damaged file.
_MOST_SAID: Final = 300


@dataclass(frozen=True)
class Description:
    """What is said of a network beside its tensors.

    Attributes:
        configuration: of the run that trained it.
        features: of an example.
        classes: how many.
        mean: what was subtracted from the features.
        std: what they were divided by then.
        test_error: of the run's record; None where the network was trained further.
        test_loss: likewise.
        continued: how often training has gone on after the run.
        code: hashes of the sources that trained it.
        versions: of Python and packages.
        host: where it was trained.
        checksum: of everything above and of all tensors.
    """

    configuration: Configuration
    features: int
    classes: int
    mean: float
    std: float
    test_error: float | None = None
    test_loss: float | None = None
    continued: int = 0
    code: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, str] = field(default_factory=dict)
    checksum: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "configuration": self.configuration.as_dict()}


@dataclass(frozen=True)
class KeptNetwork:
    """A trained network and its strategy, at the chosen epoch.

    Attributes:
        description: how to put them together, and where they are from.
        tensors: all parameters and buffers on the CPU, by their names in :func:`core.training.assembly.joined`.
    """

    description: Description
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, configuration: Configuration, trained: TrainedNetwork) -> Self:
        """Copy a network as it is now."""
        architecture = trained.network.architecture
        shape = configuration, architecture.features, architecture.classes
        description = Description(*shape, float(trained.mean), float(trained.std))
        return cls(description, copied(joined(trained.network, trained.strategy).state_dict()))

    def recorded(self, record: Mapping[str, Any]) -> Self:
        """Return it with what the record of its run says of it."""
        said = {
            name: record[name] for name in ("test_error", "test_loss", "code", "versions", "host") if name in record
        }
        return replace(self, description=replace(self.description, **said))

    def content(self) -> bytes:
        """Return the file that :meth:`read` reads."""
        described = replace(self.description, checksum=self._checksum()).as_dict()
        return save(dict(self.tensors), {ENTRY: json.dumps(described, allow_nan=False)})

    def write(self, path: Path) -> None:
        """Write it to a file that is either complete or not there."""
        write(path, self.content())

    @classmethod
    def read(cls, path: Path, remedy: str) -> Self:
        """Read a file.

        Args:
            path: of the file.
            remedy: what to do about it if it is damaged.

        Raises:
            InputError: it is not there, or not as it was written.
            OSError: it cannot be read, which does not mean that it is damaged.
        """
        try:
            return cls.from_content(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise InputError(f"{path}: is no file in which a network was kept") from None
        except ValueError as error:
            raise InputError(f"{path}: is damaged, or holds no trained network ({error}); {remedy}") from None

    @classmethod
    def from_content(cls, content: bytes) -> Self:
        """Read what :meth:`content` wrote.

        Raises:
            ValueError: it was cut off or changed, or is something else; the message says what is wrong.
        """
        try:
            tensors = load(content)
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            description = structured(Description, json.loads(header["__metadata__"][ENTRY]))
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            said = "no network of this suite" if isinstance(error, KeyError) else str(error)
            raise ValueError(printable(said)[:_MOST_SAID]) from None
        kept = cls(description, tensors)
        if kept._checksum() != description.checksum:
            raise ValueError(f"its checksum is {kept._checksum()}, not {description.checksum} as it says")
        return kept

    def _checksum(self) -> str:
        """Return 16 hexadecimal digits of the SHA-256 of everything but the checksum itself."""
        described = replace(self.description, checksum="").as_dict()
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        for name, tensor in sorted(self.tensors.items()):
            digest.update(f"\0{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
            digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
        return digest.hexdigest()[:16]


def copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state of modules on the CPU, sharing no memory with them."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}


def size(tensors: Mapping[str, Tensor]) -> int:
    """Return about how many bytes a file of such tensors takes, of which none need have values."""
    header = 2500 + sum(len(name) + 80 for name in tensors)
    return header + sum(math.prod(tensor.shape) * tensor.element_size() for tensor in tensors.values())


def write(path: Path, content: bytes) -> None:
    """Write what :meth:`KeptNetwork.content` returned to a file that is either complete or not there.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    with written_whole(path) as temporary:
        temporary.write_bytes(content)
