"""From sequence files to batches; the modules read in the order of the data flow."""
