"""Pages of the person who signs in: journeys, the phone, the own space."""
