"""Finished training runs in, tables and figures for a paper out."""
