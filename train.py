"""Train a model: ``python train.py --help`` shows every setting."""

from peftsp.training.cli import main

if __name__ == "__main__":
    main()
