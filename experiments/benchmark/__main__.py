"""Run the benchmark: ``python -m experiments.benchmark --help``."""

import sys

from experiments.benchmark.cli import main

if __name__ == "__main__":
    sys.exit(main())
