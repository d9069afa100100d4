"""Telling, durably: what the outbox notes is delivered here, to people and to services.

    delivery     a note ── fan_out ──┬── ecps.notices: plain words to the person, sent by transport
                                     └── deliveries: one for each service of a session that ended
    post         deliveries ── logout_token ── core.outbound ── verdict ── acknowledged, waiting, dead
    worker       runs both, seals the journal, forgets

Law of the room: it works from committed notes only, never inside the transaction that wrote them, and no
delivery blocks a sign-in.
"""
