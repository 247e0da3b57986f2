"""Play a song through the speakers, and go on for as long as somebody listens."""
