"""django-oauth-toolkit with its own views, in one file; one more view mints codes with its own models."""

import json
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings

COMMON = json.loads(Path(os.environ["BENCH_COMMON"]).read_text())
ISSUER = f"http://127.0.0.1:{os.environ['BENCH_PORT']}"
PEM = json.loads(Path(os.environ["BENCH_KEYS"]).read_text())["RS256"]
_address = urlsplit(os.environ["BENCH_DATABASE_URL"])

settings.configure(
    DEBUG=False,
    SECRET_KEY="bench-bench-bench-bench-bench-bench-bench-bench-bench",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    LOGGING_CONFIG=None,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _address.path.lstrip("/"),
            "USER": _address.username,
            "HOST": os.environ["BENCH_DATABASE_HOST"],
            "CONN_MAX_AGE": None,
        }
    },
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": PEM,
        "OIDC_ISS_ENDPOINT": f"{ISSUER}/o",
        "SCOPES": {"openid": "OpenID", "scope_all": "All", "introspection": "Introspection"},
        "PKCE_REQUIRED": True,
        "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
        "ACCESS_TOKEN_GENERATOR": f"{__name__}.signed_access_token",
        "ACCESS_TOKEN_EXPIRE_SECONDS": COMMON["token_seconds"],
        "ID_TOKEN_EXPIRE_SECONDS": COMMON["token_seconds"],
        "REFRESH_TOKEN_EXPIRE_SECONDS": COMMON["refresh_seconds"],
        "ROTATE_REFRESH_TOKEN": True,
    },
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from jwcrypto import jwk, jwt  # noqa: E402
from oauth2_provider.models import Application, Grant  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402

KEY = jwk.JWK.from_pem(PEM.encode())


class Validator(OAuth2Validator):
    """PSC-shaped userinfo. The claims are a constant: the person is read by the library as its user row."""

    oidc_claim_scope = None

    def get_oidc_claims(self, token, token_handler, request):
        return {"sub": COMMON["subject"]}

    def get_userinfo_claims(self, request):
        return {**super().get_userinfo_claims(request), **COMMON["claims"]}


def signed_access_token(request, refresh_token=False):
    """A JWT, so that this peer signs as many tokens as the others."""
    now = int(time.time())
    claims = {
        "iss": f"{ISSUER}/o",
        "sub": COMMON["subject"],
        "aud": COMMON["resource"],
        "client_id": COMMON["client_id"],
        "scope": " ".join(request.scopes or ()),
        "iat": now,
        "exp": now + COMMON["token_seconds"],
        "jti": str(uuid.uuid4()),
    }
    token = jwt.JWT(header={"alg": "RS256", "typ": "at+jwt", "kid": "bench"}, claims=claims)
    token.make_signed_token(KEY)
    return token.serialize()


@csrf_exempt
def mint(request):
    client = Application.objects.get(client_id=COMMON["client_id"])
    person = get_user_model().objects.get(username=COMMON["claims"]["SubjectNameID"])
    until = timezone.now() + timedelta(seconds=COMMON["code_seconds"])
    grants = [
        Grant(
            user=person,
            application=client,
            code=os.urandom(32).hex(),
            expires=until,
            redirect_uri=COMMON["redirect_uri"],
            scope="openid scope_all",
            code_challenge=COMMON["code_challenge"],
            code_challenge_method="S256",
            nonce=COMMON["nonce"],
        )
        for _ in range(int(request.GET["n"]))
    ]
    Grant.objects.bulk_create(grants)
    return JsonResponse({"codes": [grant.code for grant in grants]})


urlpatterns = [path("o/", include("oauth2_provider.urls")), path("bench/mint", mint)]
app = WSGIHandler()


def create():
    """Tables, the client and the person: run once before the workers start."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    person = get_user_model().objects.create(username=COMMON["claims"]["SubjectNameID"], is_active=True)
    Application.objects.create(
        name="bench",
        user=person,
        client_id=COMMON["client_id"],
        client_secret=COMMON["client_secret"],
        hash_client_secret=False,  # hashing costs hundreds of milliseconds per request: off, to be kind
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=COMMON["redirect_uri"],
        algorithm=Application.RS256_ALGORITHM,
        skip_authorization=True,
    )


if __name__ == "__main__":
    create()
