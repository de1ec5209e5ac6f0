"""From proteins to predictions: models, devices, precision, clusters; also from Python."""
