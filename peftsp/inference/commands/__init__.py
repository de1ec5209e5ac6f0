"""The command lines that predict."""
