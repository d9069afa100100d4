"""Pages of registry staff: sign in by passkey, look, decide, approve. Every look at a person is journalled.

/staff/join/<token> ── passkey ─┐
/staff/sign-in ── passkey ──────┴─ /staff (desk) ── people ── decide ── approvals ── journal, loads, members
"""
