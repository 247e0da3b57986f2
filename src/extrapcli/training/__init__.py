"""Corpus to clips to fit to export. Needs `pip install "extrapcli[train]"`."""
