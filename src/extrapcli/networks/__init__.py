"""Keras networks. They use `keras.ops` only, so they train on any Keras backend."""
