"""Where the YAML settings are: inside an installed package, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent

CONF = next(c for c in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if c.is_dir())
"""The folder ``conf``."""
