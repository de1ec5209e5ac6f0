"""peftsp: parameter-efficient fine-tuning of ESM-2 for signal peptide prediction.

Dimensions in shapes, everywhere in the package:

- ``B`` batch: sequences,
- ``T`` tokens: residues with the ``<cls>`` and ``<eos>`` tokens around them, ``T = L + 2``,
- ``L`` residues,
- ``D`` width: features of a residue,
- ``C`` CRF states, 37,
- ``K`` SP types, 6,
- ``P`` prompt: soft tokens before the sequence.

Masks are boolean and True at real tokens or residues.
"""

__version__ = "0.1.0"
