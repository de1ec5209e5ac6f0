"""How good predictions are, by kingdom and SP type."""
