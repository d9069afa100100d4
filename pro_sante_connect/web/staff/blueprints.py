"""Every page of registry staff, as `app.py` registers them."""

from flask import Blueprint

from pro_sante_connect.web.staff import anomalies, approvals, decide, desk, door, members, person, records

BLUEPRINTS: tuple[Blueprint, ...] = (
    door.blueprint, desk.blueprint, person.blueprint, decide.blueprint, approvals.blueprint, records.blueprint,
    members.blueprint, anomalies.blueprint,
)  # fmt: skip
