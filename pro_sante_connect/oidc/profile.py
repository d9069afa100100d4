"""Client profiles as data: what each requires, allows and issues."""

from dataclasses import dataclass

from pro_sante_connect.oidc.vocabulary import PSC_SCOPES, STANDARD_SCOPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One row of the table in `docs/architecture.md`."""

    name: str
    pkce_required: bool
    public_clients: bool
    identical_repeats: bool  # identical values of a repeated parameter count as one
    twin_credentials: bool  # Basic and body together, when identical
    expired_hint_suffices: bool  # an expired id_token_hint ends the session without a page
    access_token_type: str  # `typ` of the access token's header
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]


PSC = Profile(
    name="psc",
    pkce_required=False,
    public_clients=False,
    identical_repeats=True,
    twin_credentials=True,
    expired_hint_suffices=True,
    access_token_type="JWT",
    scopes=PSC_SCOPES,
    algorithms=("RS256", "ES256"),
)

STANDARD = Profile(
    name="standard",
    pkce_required=True,
    public_clients=True,
    identical_repeats=False,
    twin_credentials=False,
    expired_hint_suffices=False,
    access_token_type="at+jwt",
    scopes=STANDARD_SCOPES,
    algorithms=("RS256", "ES256"),
)

PROFILES = {profile.name: profile for profile in (PSC, STANDARD)}
