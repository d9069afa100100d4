"""Every page of the clinician, as `app.py` registers them."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
