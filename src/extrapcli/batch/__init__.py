"""Folders of songs, unattended: what is missing or changed is made, and a manifest says what became of each."""
