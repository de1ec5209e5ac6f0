"""Prediction; loads neither Lightning nor Hydra nor wandb."""
