"""``python -m peftsp.search hparams_search=lora search.trials=20``."""

from peftsp.search.cli import main

if __name__ == "__main__":
    main()
