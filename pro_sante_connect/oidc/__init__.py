"""The protocol: clients, requests, sessions, grants, tokens, claims.

Law of the room: it does not know how a person proved their identity; an `Authentication` arrives and is kept.
One noun stands in the middle: every grant ends in an `Authorization`, and `tokens.issue` makes a token set of it.

    request.judge → interaction.open → journey.next_step … → authorization.authorize (code)
                                                               ↓ code.redeem / refresh.rotate (one UPDATE each)
    userinfo, introspection ← liveness.read (one statement) ←  tokens.issue
"""
