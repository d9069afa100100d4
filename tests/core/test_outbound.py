"""The only way out: whom it calls, how long it waits, how much it reads."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pro_sante_connect.core import outbound as room
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.destinations import Destination, Refused, allowed, is_public, judge
from pro_sante_connect.core.outbound import MAX_BODY, Answered, Failed, Outbound, resolved
from tests.receivers import Receiver, receiving
from tests.world import World

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
# The same few places of our own in every spelling that some resolver takes, and addresses that carry one.
INSIDE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "192.88.99.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:7f00:1",
    "::ffff:93.184.215.14", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::1",
    "2001:db8::1", "3fff::1", "100::1", "5f00::1", "fec0::1",
]  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def client(receiver: Receiver, **options: Any) -> Outbound:
    return Outbound({receiver.place}, **{"seconds": 0.6} | options)


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_of_ours_is_called_literally_or_by_a_name(receiver: Receiver, address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    assert judge(f"https://{literal}:{receiver.port}/") == Refused("address-inside")
    # Rebinding: one address of the name is public, another is not; either order.
    for addresses in ([address], [PUBLIC[0], address], [address, PUBLIC[1]]):
        calling = Outbound(resolve=lambda *_, found=addresses: found)
        assert calling.post(f"https://recepteur.example:{receiver.port}/200", {}) == Refused("address-inside")
    assert receiver.heard == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_public(ip_address(address))
    assert allowed(Destination("https", "recepteur.example", 443, "/", exempt=False), PUBLIC) is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://recepteur.example/x", "address-scheme"), ("file:///etc/passwd", "address-malformed"),
        ("gopher://recepteur.example/", "address-scheme"), ("javascript:alert(1)", "address-malformed"),
        ("https://", "address-malformed"), ("https://./", "address-malformed"), ("", "address-malformed"),
        ("https://a@recepteur.example/", "address-malformed"), ("https://recepteur.example:0/", "address-malformed"),
        ("https://recepteur.example:99999/", "address-malformed"), ("https://[::1/", "address-malformed"),
        ("https://recepteur.example/#x", "address-malformed"), ("https://récepteur.example/", "address-malformed"),
        ("https://recepteur.example\\@x/", "address-malformed"), ("https://a b/", "address-malformed"),
        ("https://recepteur.example/\r\nX: y", "address-malformed"), ("https://localhost/", "address-inside"),
        ("https://app.localhost/", "address-inside"), ("https://LOCALHOST./", "address-inside"),
        ("https://imprimante.local/", "address-inside"), ("https://metadata.google.internal/", "address-inside"),
        ("https://2130706433/", "address-malformed"), ("https://0x7f000001/", "address-malformed"),
        ("https://0x7f.1/", "address-malformed"), ("https://017700000001/", "address-malformed"),
        ("https://127.1/", "address-malformed"), ("https://0177.0.0.1/", "address-malformed"),
        ("https://127.0.0.1./", "address-inside"), ("https://[fe80::1%25eth0]/", "address-malformed"),
        ("https://1.0x1/", "address-malformed"), ("https://recepteur.example/" + "x" * 500, "address-malformed"),
        ("https://127。0。0。1/", "address-malformed"), ("https://recepteur.example:x/", "address-malformed"),
    ],
)  # fmt: skip
def test_an_address_is_refused_by_its_spelling(url: str, code: str) -> None:
    assert judge(url) == Refused(code)
    assert Outbound().post(url, {}) == Refused(code)


def test_what_may_be_called_keeps_its_name_port_and_path() -> None:
    where = judge("https://Recepteur.example./fin?x=1")
    assert where == Destination("https", "recepteur.example", 443, "/fin?x=1", exempt=False)
    assert where.authority == "recepteur.example"
    assert judge("https://93.184.215.14:8443/") == Destination("https", "93.184.215.14", 8443, "/", exempt=False)
    exempt = judge("http://[::1]:8001", {"::1:8001"})
    assert exempt == Destination("http", "::1", 8001, "/", exempt=True)
    assert exempt.authority == "[::1]:8001"
    assert judge("http://[::1]:8002", {"::1:8001"}) == Refused("address-scheme")


def test_an_exempt_place_is_called_once_with_a_form_and_nothing_of_ours(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = client(receiver).post(receiver.url("fin/200?x=1"), {"logout_token": "a b&c"})
    assert isinstance(answer, Answered)
    assert (answer.status, answer.body) == (200, b"{}")
    [(path, head, form)] = receiver.heard
    assert (path, form) == ("/fin/200", {"logout_token": "a b&c"})
    assert head.startswith("POST /fin/200?x=1 HTTP/1.1\r\n")
    assert f"\r\nHost: {receiver.place}\r\n" in head
    assert "cookie" not in head.lower()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("204", 204), ("400", 400), ("500", 500), ("redirect", 307), ("stream", 200),
        ("hang", "timeout"), ("drip-head", "timeout"), ("drip-body", "timeout"),
        ("long-head", "broken"), ("fat-head", "broken"), ("close", "broken"),
        ("nonsense", "broken"), ("length", "broken"),
    ],
)  # fmt: skip
def test_whatever_a_receiver_does_ends_in_a_value(receiver: Receiver, word: str, expected: int | str) -> None:
    answer = client(receiver).post(receiver.url(word), {"a": "b"})
    if isinstance(expected, int):
        assert isinstance(answer, Answered)
        assert answer.status == expected
        assert len(answer.body) <= MAX_BODY
    else:
        assert isinstance(answer, Failed)
        assert answer.code == expected
    assert [path for path, _, _ in receiver.heard] == [f"/{word}"]  # the redirect was not followed


def test_a_receiver_that_is_gone_is_unreachable() -> None:
    with receiving() as running:
        url, place = running.url("200"), running.place
    answer = Outbound({place}).post(url, {})
    assert isinstance(answer, Failed)
    assert answer.code == "unreachable"


def test_the_next_address_of_a_name_is_tried(receiver: Receiver) -> None:
    """Nobody listens on the first one, as where IPv6 leads nowhere."""
    place = f"deux.example:{receiver.port}"
    calling = Outbound({place}, resolve=lambda *_: ["::1", "127.0.0.1"])
    answer = calling.post(f"http://{place}/204", {})
    assert isinstance(answer, Answered)


def test_a_connection_that_nobody_takes_ends_in_time() -> None:
    """A full queue: the kernel drops what knocks."""
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        knocking = [socket.socket() for _ in range(4)]
        for one in knocking:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        answer = Outbound({f"localhost:{port}"}, resolve=lambda *_: ["127.0.0.1"], seconds=0.3).post(
            f"http://localhost:{port}/", {}
        )
        for one in knocking:
            one.close()
    assert isinstance(answer, Failed)
    assert answer.code == "timeout"


def test_a_name_that_nobody_knows_or_tells_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise room.gaierror

    monkeypatch.setattr(room, "getaddrinfo", unknown)
    assert Outbound().post("https://personne.example/", {}) == Refused("address-unknown")

    from threading import Event

    told = Event()

    def silent(*_: object, **__: object) -> list[Any]:
        told.wait(30)
        return []

    monkeypatch.setattr(room, "getaddrinfo", silent)
    answer = Outbound(seconds=0.1).post("https://muet.example/", {})
    told.set()
    assert isinstance(answer, Failed)
    assert answer.code == "timeout"


def test_the_system_resolves_a_name_of_this_machine() -> None:
    assert "127.0.0.1" in resolved("localhost", 80, 5)


def test_nothing_is_called_while_a_transaction_is_open(world: World, receiver: Receiver) -> None:
    for opened in (reading, writing):
        with opened(world.engine), pytest.raises(RuntimeError, match="within a transaction"):
            client(receiver).post(receiver.url("204"), {})
    assert receiver.heard == []
    assert isinstance(client(receiver).post(receiver.url("204"), {}), Answered)


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kind = serialization
    private = key.private_bytes(kind.Encoding.PEM, kind.PrivateFormat.PKCS8, kind.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(private + made.public_bytes(kind.Encoding.PEM))
    return file


def test_the_certificate_is_that_of_the_name_whatever_address_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, "recepteur.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with receiving(context) as running:
        places = {f"{name}:{running.port}" for name in ("recepteur.example", "autre.example")}

        def call(name: str) -> room.Outcome:
            return Outbound(places, resolve=lambda *_: ["127.0.0.1"]).post(f"https://{name}:{running.port}/204", {})

        unknown = call("recepteur.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        good, other = call("recepteur.example"), call("autre.example")
    assert isinstance(unknown, Failed)
    assert unknown.code == "certificate"
    assert isinstance(good, Answered)
    assert isinstance(other, Failed)
    assert other.code == "certificate"
    assert len(running.heard) == 1


def test_a_receiver_that_never_shakes_hands_is_cut(receiver: Receiver) -> None:
    """https to a port that speaks nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"localhost:{mute.getsockname()[1]}"
        answer = Outbound({place}, seconds=0.3, resolve=lambda *_: ["127.0.0.1"]).post(f"https://{place}/", {})
    assert isinstance(answer, Failed)
    assert answer.code == "timeout"
