"""Predict signal peptides: ``python predict.py proteins.fasta --bundle DIR -o results``."""

import sys

from peftsp.inference.commands.predict import main

if __name__ == "__main__":
    sys.exit(main())
