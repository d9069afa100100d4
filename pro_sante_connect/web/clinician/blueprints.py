"""Every page of the clinician, as `app.py` registers them."""

from flask import Blueprint

from pro_sante_connect.web.clinician import activity, consent, home, sign_in

BLUEPRINTS: tuple[Blueprint, ...] = (home.blueprint, sign_in.blueprint, activity.blueprint, consent.blueprint)
