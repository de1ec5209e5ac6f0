"""Readers of what people have: one module a kind of source."""
