"""``python -m peftsp.report``."""

from __future__ import annotations

import sys

from peftsp.report.cli import main

if __name__ == "__main__":
    sys.exit(main())
