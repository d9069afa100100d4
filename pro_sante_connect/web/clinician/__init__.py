"""Pages of the person who signs in: journeys, the phone, activation, the own space.

Law of the room: a page works without JavaScript (the passkey excepted), says what to do next, and never tells
whether a number is known before a proof.
"""
