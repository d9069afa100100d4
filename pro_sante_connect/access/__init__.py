"""Who may administer what: accounts of staff, their roles and scopes, and the second pair of eyes.

    invited ── joined (a passkey) ── signs in ── acts within role and scope ── retired
    proposed ── approved by another person │ refused │ lapsed

Law: nobody decides alone what takes two, nobody decides about herself, and no account exists by default.
The room knows the registry; it knows neither clients nor cards.
"""
