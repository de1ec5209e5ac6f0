"""Trained models and other predictors measured on labelled proteins."""
