"""Makes music longer: continues any song to the length you ask for."""
