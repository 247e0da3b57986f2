"""Predicting sound sample by sample, by a network or by linear prediction: one sample ahead, or on and on."""
