"""What every room leans on: storage, time, chance, secrets, one-time claims, the outbox.

Law of the room: it knows neither people nor protocols. Time and chance enter here and nowhere else.
"""
