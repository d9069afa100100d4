"""The registry: practitioners, their exercices, activités, structures and status, and the national extracts.

Law of the room: a file says who is present; only staff decide who is stopped; an import never lifts, shortens
or ends a decision. Codes are stored, labels come from `nomenclature`.
"""
