"""The dematerialised card: passkeys, one-time codes, the e-CPS code, phone approval, activation.

Law of the room: it knows nothing of protocols and clients. Every proof ends in `sign_in.conclude`, the only door
out: an `Authentication` or a refusal. A guess is counted and committed before it is looked at; a one-time thing
is claimed by one conditional statement before anything is made from it; nothing tells a known number from an
unknown one before a proof.
"""
