"""What a client may exchange for a token set. Each grant claims first, by one UPDATE, and issues after."""
