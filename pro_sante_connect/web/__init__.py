"""Pages and endpoints: the only room that sees a browser. It ties `oidc` and `ecps` together in one request.

Law of the room: a view parses, calls one verb of a domain room and answers; the next page of a journey is decided
by `oidc.requests.journey` alone, and every journey page answers with a redirect to the dispatcher.
"""
