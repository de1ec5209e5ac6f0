"""ESM-2: sizes, weights, forward pass."""
