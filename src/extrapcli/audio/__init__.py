"""Audio in and out: files to songs, tracks to files."""
