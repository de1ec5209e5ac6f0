"""``python -m peftsp.report``."""

from __future__ import annotations

import sys

from peftsp.report.cli import main

sys.exit(main())
