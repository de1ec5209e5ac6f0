"""One run of a command: inputs, settings, results in a folder, and what is said of them."""
