"""What is known of a song, found once."""
