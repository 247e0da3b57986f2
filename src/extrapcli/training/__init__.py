"""Training: from a corpus to batches, to a trained network, to a model folder. Needs `extrapcli[train]`."""
