"""The suite's own promise: no test leaves this machine."""

import socket

import pytest


def test_a_socket_to_elsewhere_is_refused_before_it_opens() -> None:
    for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))):
        with socket.socket(family) as place, pytest.raises(AssertionError, match="reaches for"):
            place.connect(address)


def test_a_socket_of_this_machine_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as place:
        place.connect(listening.getsockname())
