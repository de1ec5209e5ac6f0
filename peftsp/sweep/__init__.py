"""Sweeps: which runs a command asks for, what has become of them."""
