"""A small model of fair-esm, in files as the published ones are."""

import argparse

import esm
import pytest
import torch


@pytest.fixture
def fair_esm_model():
    """Two layers of width 32 with four heads."""
    torch.manual_seed(0)
    return esm.ESM2(2, 32, 4)


@pytest.fixture(scope="session")
def save_fair_esm():
    """Function that writes a file as the published ones are laid out and returns its path."""

    def save(model, path, prefix="encoder.sentence_encoder.", **extra):
        options = argparse.Namespace(encoder_layers=2, encoder_embed_dim=32, token_dropout=True)
        state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
        torch.save({"cfg": {"model": options}, "model": state, **extra}, path)
        return path

    return save
