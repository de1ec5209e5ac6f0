"""How much memory a training run will need, computed before it starts."""
