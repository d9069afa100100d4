"""Starting twice, ending, and what stands in the way."""

import json
import socket
from pathlib import Path

import psutil
import pytest
import requests

from tests.demo.conftest import Demo, start, stop, three_ports, wait_card


def test_a_second_start_keeps_people_and_secrets_and_leaves_nobody_behind(tmp_path: Path) -> None:
    data, port = tmp_path / "data", three_ports()
    process = start(data, port)
    said = wait_card(process)
    assert f"http://localhost:{port + 1}" in said
    family = psutil.Process(process.pid).children(recursive=True)
    assert stop(process) == 0
    assert not psutil.wait_procs(family, timeout=10)[1]
    before = json.loads((data / "demo.json").read_text("utf-8"))
    process = start(data, port)
    assert "First start" not in wait_card(process)
    assert json.loads((data / "demo.json").read_text("utf-8")) == before
    process.kill()  # even so nobody stays
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    port = three_ports(after=port + 3)
    process = start(data, port)  # another port: the same people, other addresses
    wait_card(process)
    after = json.loads((data / "demo.json").read_text("utf-8"))
    assert [one["ecps_code"] for one in after["practitioners"]] == [one["ecps_code"] for one in before["practitioners"]]
    assert after["demo_service_url"] == f"http://localhost:{port + 1}"
    psutil.Process(process.pid).children()[0].kill()
    assert process.wait(15) == 1
    assert b"stopped unexpectedly" in process.stdout.read() if process.stdout else b""
    if process.stdout:
        process.stdout.close()


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_port_in_use_is_one_sentence(tmp_path: Path, offset: int) -> None:
    port = three_ports()
    with socket.create_server(("127.0.0.1", port + offset)):
        process = start(tmp_path / "data", port)
        assert process.wait(15) == 1
    assert process.stdout is not None
    said = process.stdout.read().decode()
    process.stdout.close()
    assert said.count("\n") == 1
    assert f"Port {port + offset} on 127.0.0.1 is in use" in said
    assert not (tmp_path / "data").exists()


def test_pages_of_the_demo_carry_a_strict_policy(demo: Demo) -> None:
    for address in (demo.card["demo_service_url"], demo.card["message_box_url"]):
        policy = requests.get(address, timeout=10).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
