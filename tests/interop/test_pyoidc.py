"""A client library we did not write and did not adapt: pyoidc, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.demo.conftest import Demo
from tests.interop.client import CALLBACK, Program


@pytest.mark.parametrize("client_id", ["essai-psc", "essai-standard"])
def test_pyoidc_discovers_signs_in_verifies_asks_who_and_refreshes(demo: Demo, client_id: str) -> None:
    program = Program(demo, client_id)
    enrolled = [one for one in demo.card["practitioners"] if one["situation"] == "any"]
    person = enrolled[-2 if client_id == "essai-psc" else -3]
    command = [sys.executable, str(Path(__file__).with_name("pyoidc_client.py")), demo.card["issuer"]]
    arguments = [client_id, program.secret, CALLBACK]
    with subprocess.Popen(
        [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        address = client.stdout.readline().strip()
        answer = program.authorize(urlsplit(address).query, person)
        said, problems = client.communicate(f"{CALLBACK}?{urlencode(answer)}\n", timeout=30)
    assert client.returncode == 0, problems
    told = json.loads(said)
    assert (told["nonce"], told["fresh"]) == ("nonce-1", True)
    assert told["person"]["sub"] == told["subject"]
    if client_id == "essai-psc":
        assert told["person"]["SubjectNameID"] == person["national_id"]
