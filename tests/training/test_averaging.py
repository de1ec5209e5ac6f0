import pytest
import torch
from lightning.pytorch import Callback, Trainer

from peftsp.errors import ConfigError
from peftsp.training.averaging import AveragedWeights


class Weights(Callback):
    """Notes the trained weights after every step, and those of validations."""

    def __init__(self):
        self.trained, self.validated = [], []

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        self.trained.append(self.of(pl_module))

    def on_validation_batch_end(self, trainer, pl_module, *arguments):
        self.validated.append(self.of(pl_module))

    @staticmethod
    def of(module):
        return torch.cat([p.detach().flatten() for p in module.parameters() if p.requires_grad])


def test_model_is_the_moving_average_of_its_training(make_module, make_data, tmp_path):
    module, data, weights = make_module(), make_data(), Weights()
    expected = Weights.of(module)
    Trainer(
        default_root_dir=tmp_path,
        max_epochs=2,
        callbacks=[AveragedWeights(0.8), weights],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    ).fit(module, datamodule=data)
    for step, trained in enumerate(weights.trained, 1):
        decay = min(0.8, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * trained
        if step == len(weights.trained) // 2:
            torch.testing.assert_close(weights.validated[0], expected)
    torch.testing.assert_close(Weights.of(module), expected)
    assert not torch.allclose(expected, weights.trained[-1])


@pytest.mark.parametrize("decay", [0, 1, -0.5, "much"])
def test_decay_is_a_share(decay):
    with pytest.raises(ConfigError, match=r"callbacks\.averaging\.decay: expected 0 < decay < 1"):
        AveragedWeights(decay)
