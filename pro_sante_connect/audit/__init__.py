"""What happened, for good: an append-only journal, chained by hash.

Law of the room: entries are inserted with the act they tell, in its transaction; nothing here updates or deletes
an entry, and the database refuses it too (triggers of the first migration).
"""
