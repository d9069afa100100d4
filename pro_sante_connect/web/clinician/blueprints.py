"""Every page of the clinician, as `app.py` registers them."""

from flask import Blueprint

from pro_sante_connect.web.clinician import (
    activity,
    consent,
    enrolment,
    own_means,
    own_space,
    phone,
    plain,
    sign_in,
    steps,
    wait,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    plain.blueprint,
    steps.blueprint,
    sign_in.blueprint,
    wait.blueprint,
    activity.blueprint,
    consent.blueprint,
    enrolment.blueprint,
    phone.blueprint,
    own_space.blueprint,
    own_means.blueprint,
)
