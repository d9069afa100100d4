"""Flask-SQLAlchemy bound to the rooms' metadata: engine and one session per request, nothing else."""

from flask_sqlalchemy import SQLAlchemy

from pro_sante_connect.core.models import Base

database = SQLAlchemy(metadata=Base.metadata, disable_autonaming=True)
