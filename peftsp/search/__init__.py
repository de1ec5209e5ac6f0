"""Searches for hyper-parameters that never see the test partition."""
