"""``python -m peftsp.memory backbone=esm2_3b peft=lora``."""

import sys

from peftsp.console_scripts import memory

if __name__ == "__main__":
    sys.exit(memory())
