"""Telling, durably: what the outbox notes is delivered here, to people first.

Law of the room: it works from committed notes only, never inside the transaction that wrote them, and no
delivery blocks a sign-in.
"""
