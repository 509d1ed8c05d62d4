"""The hooks of the site, which lie beside its pages and are no package."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tests.docs.markdown import DOCS


def hook(name: str) -> ModuleType:
    """Import ``docs/hooks/NAME.py``."""
    full = f"docs_hooks_{name}"
    if full in sys.modules:
        return sys.modules[full]
    spec = spec_from_file_location(full, DOCS / "hooks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    # Its data classes look their module up.
    module = sys.modules[full] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
