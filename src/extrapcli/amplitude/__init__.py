"""Sounds predicted a sample at a time, by a network or by linear prediction, from the samples before or on and on."""
