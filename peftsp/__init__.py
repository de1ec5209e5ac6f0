"""peftsp: parameter-efficient fine-tuning of ESM-2 for signal peptide prediction.

Dimensions in shapes, everywhere in the package:

- ``B`` batch: sequences,
- ``T`` tokens: residues with the ``<cls>`` and ``<eos>`` tokens around them, ``T = L + 2``,
- ``L`` residues,
- ``D`` width: features of a residue,
- ``C`` CRF states, 37,
- ``K`` SP types, 6,
- ``P`` prompt: soft tokens before the sequence.

Masks are boolean and True at real tokens or residues.
"""

from importlib import import_module
from typing import Any

from peftsp.errors import PeftspError

__version__ = "0.1.0"

__all__ = ["PeftspError", "predict", "to_frame"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # `import peftsp` alone shall not wait for PyTorch.
    if name in __all__:
        return getattr(import_module("peftsp.inference.compute.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
