"""From what people have of labelled proteins to a 3-line file that trains and tests models."""
