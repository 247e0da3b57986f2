"""Tunes of one voice: reading them, learning from them, writing new ones."""
