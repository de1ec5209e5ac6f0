"""What a graph computes of a batch is what each of its proteins gets alone."""

import numpy as np
import pytest
import torch

from peftsp.alphabet import PAD_TOKEN
from peftsp.data.tokens import tokenize
from peftsp.export.module import ResultsModule
from peftsp.inference.compute.onnx_model import OUTPUTS, TOKENS
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.torch_models import TorchModels
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.model.restore import load_taggers

ORGANISMS = (0, -1, 3, 1, 0, 2)


@pytest.fixture
def sequences(records):
    return [tokenize(record.residues) for record in records[: len(ORGANISMS)]]


@pytest.fixture
def batch(sequences):
    tokens = torch.full((len(sequences), TOKENS), PAD_TOKEN)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = torch.tensor(sequence)
    return tokens, torch.tensor(ORGANISMS)


@torch.no_grad()
@pytest.mark.parametrize("models", [slice(0, 1), slice(0, 2)], ids=["one", "two"])
def test_batch_of_all_organisms_gives_what_each_protein_gets_alone(
    bundles, batch, sequences, models
):
    taggers = load_taggers(bundles[models])
    together = ResultsModule(taggers).eval()(*batch)
    assert len(together) == len(OUTPUTS)
    for row, (sequence, organism) in enumerate(zip(sequences, ORGANISMS, strict=True)):
        sums_types = KINGDOMS[organism] == "EUKARYA" if organism >= 0 else False
        options = Options(
            organism, sums_types, has_region_probabilities=True, has_peptide_regions=True
        )
        alone = TorchModels(taggers).find_results([sequence], options)
        for name, found, expected in zip(OUTPUTS, together, alone, strict=True):
            ours, theirs = found[row].numpy(), expected[0]
            if np.ndim(theirs) and name != "probabilities":
                ours = ours[: len(theirs)]
            np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=name)


@torch.no_grad()
def test_organism_decides_whether_types_are_summed(bundles, batch):
    tokens, _ = batch
    module = ResultsModule(load_taggers(bundles)).eval()
    of_eukaryotes, of_others = (
        module(tokens, torch.full((len(tokens),), organism))[0] for organism in (0, -1)
    )
    beyond = slice(SP_TYPES.index("LIPO"), None)
    assert not of_eukaryotes[:, beyond].any()
    assert (of_others[:, beyond].sum(dim=1) > 0).all()
    for found in (of_eukaryotes, of_others):
        torch.testing.assert_close(found.sum(dim=1), torch.ones(len(tokens)))
