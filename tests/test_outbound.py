"""The wire to a gateway: what got away, what did not, and answers that never end."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from portal_app import outbound
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import NeverSent

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A gateway that answers one call and then is gone; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(HEAD + body)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(timeout=30)


def test_no_redirect_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not to a host of the gateway: who is called is decided here."""
    with answering(b"{}") as other:
        monkeypatch.setitem(
            globals(), "HEAD", f"HTTP/1.1 302 Found\r\nLocation: {other}/\r\nConnection: close\r\n\r\n".encode()
        )
        with answering(b"{}") as url:
            wire = Outbound(hosts_of(url, other))
            answer = wire("POST", url, json={"secret": "x"})
            assert (answer.status, answer.headers["location"]) == (302, f"{other}/")
        monkeypatch.undo()
        assert wire("GET", other).json() == {}, "nobody has called there before"


def test_what_did_not_get_away_was_never_sent() -> None:
    with answering(b"{}") as url:
        wire = Outbound(hosts_of(url))
        assert wire("GET", url).json() == {}
    first = Outbound(hosts_of(url))
    for _ in range(2):
        with pytest.raises(NeverSent):
            first("POST", url)


def test_after_one_call_nobody_can_say_that_nothing_was_sent() -> None:
    """A charge of two calls whose second one finds the gateway gone: the first may have moved money."""
    with answering(b"{}") as url:
        wire = Outbound(hosts_of(url))
        wire("POST", url)
    with pytest.raises(httpx.ConnectError):
        wire("POST", url)
    with pytest.raises(RuntimeError) as problem:
        wire("POST", "http://elsewhere.example.com")
    assert not isinstance(problem.value, NeverSent)


def test_an_answer_that_floods_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "MAX_BYTES", 10)
    with answering(b"{" + b" " * 100) as url:
        wire = Outbound(hosts_of(url))
        with pytest.raises(ValueError, match="too long"):
            wire("GET", url)
        assert wire.has_sent


def certificate(names: str, *, by: tuple[Any, Any] | None = None, days: int = 1) -> tuple[Any, Any]:
    """A certificate for these names and its key, from an authority or by itself; ``days`` below 0: expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names)])
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    known = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = by[0].public_key() if by else key.public_key()
    # Python 3.13 and newer want to be told what an authority's key is for.
    uses = dict.fromkeys(
        "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only".split(), False
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by[0].subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * day)
        .not_valid_after(now + days * day)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=by is None, crl_sign=by is None, **uses), critical=True
        )
        .add_extension(known, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(names.replace(" ", "-"))]), critical=False)
        .sign(by[1] if by else key, hashes.SHA256())
    )
    return made, key


@contextlib.contextmanager
def over_tls(shown: Any, key: Any, folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A gateway that shows this certificate; its address, and what was said to it."""
    file = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(shown.public_bytes(Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as line:
            heard.append(line.recv(65536))
            line.sendall(HEAD + b"{}")
            line.settimeout(2)
            while line.recv(65536):  # who closes before all is read takes the answer back
                pass

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}", heard
    finally:
        thread.join(timeout=30)
        listener.close()


@pytest.mark.parametrize(
    ("names", "days", "is_known", "is_right"),
    [
        ("localhost", 1, True, True),
        ("localhost", 1, False, False),
        ("elsewhere.example.com", 1, True, False),
        ("localhost", -1, True, False),
    ],
    ids=["right", "by nobody known", "for another name", "expired"],
)
def test_a_gateway_with_a_false_certificate_hears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, days: int, is_known: bool, is_right: bool
) -> None:
    authority = certificate("Authority of this test")
    if is_known:
        trusted = httpx.create_ssl_context(trust_env=False)
        trusted.load_verify_locations(cadata=authority[0].public_bytes(Encoding.PEM).decode())
        monkeypatch.setattr(outbound, "_trusted", lambda: trusted)
    with over_tls(*certificate(names, by=authority, days=days), tmp_path) as (url, heard):
        wire = Outbound(hosts_of(url))
        if is_right:
            assert wire("POST", url, content=b"secret").json() == {}
            return
        with pytest.raises(NeverSent, match="CERTIFICATE_VERIFY_FAILED"):
            wire("POST", url, content=b"secret")
    assert heard == []
    assert not wire.has_sent


@contextlib.contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A gateway that accepts one call and then does as ``talk`` says, until the caller hangs up; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def serve() -> None:
        with listener, contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(timeout=30)
    assert not thread.is_alive(), "the call ended, but its connection did not"


def drip(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)

    return talk


def sip(connection: socket.socket) -> None:
    for _ in range(200):
        connection.recv(16)
        time.sleep(0.02)


@pytest.mark.parametrize(
    "talk",
    [
        drip(b"", b"H"), drip(HEAD[:17], b"x"), drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), drip(HEAD, b" "),
        drip(HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), sip,
    ],
    ids=["status line", "headers", "hints", "body", "chunk", "request"],
)  # fmt: skip
def test_a_call_ends_in_time_however_slowly_the_gateway_goes_on(
    monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None]
) -> None:
    monkeypatch.setattr(outbound, "CALL_SECONDS", 1)
    much = b"x" * 20_000_000 if talk is sip else b""
    with peer(talk) as url:
        wire = Outbound(hosts_of(url))
        # The peer never ends by itself, so that it ends at all is the proof.
        with pytest.raises((httpx.ReadTimeout, httpx.WriteTimeout)):
            wire("POST", url, content=much)
        assert wire.has_sent


def test_a_connection_that_comes_too_late_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "CALL_SECONDS", 0)
    with answering(b"{}") as url:
        with pytest.raises(NeverSent):
            Outbound(hosts_of(url))("POST", url)
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))).close()
