"""The authorization request, from its arrival to the authorization it becomes."""
