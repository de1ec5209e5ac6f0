"""``python -m peftsp.memory backbone=esm2_3b peft=lora``."""

from peftsp.memory.cli import main

if __name__ == "__main__":
    main()
