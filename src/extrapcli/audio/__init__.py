"""Decode, encode, tag, resample and measure audio."""
