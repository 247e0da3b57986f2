"""Keras networks, written with `keras.ops` alone so that they train on any Keras backend."""
