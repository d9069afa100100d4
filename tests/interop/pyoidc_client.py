"""A relying party written with pyoidc, unmodified: run by the test as a program of its own.

pyoidc_client.py ISSUER CLIENT_ID SECRET CALLBACK     prints the address to open, reads the callback's address
"""

import json
import sys

from oic.oic import Client
from oic.oic.message import AuthorizationResponse, RegistrationResponse
from oic.utils.authn.client import CLIENT_AUTHN_METHOD


def main(issuer: str, client_id: str, secret: str, callback: str) -> None:
    client = Client(client_authn_method=CLIENT_AUTHN_METHOD)
    client.provider_config(issuer)
    known = {"client_id": client_id, "client_secret": secret, "token_endpoint_auth_method": "client_secret_basic"}
    client.store_registration_info(RegistrationResponse(**known, redirect_uris=[callback]))
    client.redirect_uris = [callback]
    challenge, verifier = client.add_code_challenge()
    request = client.construct_AuthorizationRequest(
        request_args={
            "response_type": "code", "scope": ["openid", "scope_all"], "state": "state-1", "nonce": "nonce-1",
            "redirect_uri": callback, "acr_values": ["eidas1"], **challenge,
        }
    )  # fmt: skip
    print(request.request(client.authorization_endpoint), flush=True)
    query = sys.stdin.readline().strip().partition("?")[2]
    answer = client.parse_response(AuthorizationResponse, info=query, sformat="urlencoded")
    given = {"code": answer["code"], "code_verifier": verifier}
    tokens = client.do_access_token_request(
        state=answer["state"], request_args=given, authn_method="client_secret_basic"
    )
    person = client.do_user_info_request(method="GET", state=answer["state"])
    fresh = client.do_access_token_refresh(state=answer["state"], authn_method="client_secret_basic")
    told = {
        "subject": tokens["id_token"]["sub"], "nonce": tokens["id_token"]["nonce"], "person": person.to_dict(),
        "fresh": fresh["access_token"] != tokens["access_token"],
    }  # fmt: skip
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
