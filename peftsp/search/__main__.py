"""``python -m peftsp.search hparams_search=lora search.trials=20``."""

import sys

from peftsp.console_scripts import search

if __name__ == "__main__":
    sys.exit(search())
