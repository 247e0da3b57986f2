"""Measures of a continuation: pure functions of sound."""
