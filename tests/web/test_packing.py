"""Pages go packed to whoever takes them so, and how well they pack tells nothing of what is on them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import config
from tests.world import World


@pytest.fixture(autouse=True)
def _packs(app: Flask) -> None:
    config.use(replace(config.active(), compress=True))


@pytest.fixture
def alice(world: World, as_: Callable[..., FlaskClient]) -> FlaskClient:
    return as_(world.alice)


def test_a_page_is_packed_with_gzip(alice: FlaskClient) -> None:
    plain = alice.get("/portal")
    packed = alice.get("/portal", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers.getlist("Content-Length") == [str(len(packed.data))]
    assert plain.headers.getlist("Vary") == packed.headers.getlist("Vary") == ["HX-Request, Accept-Encoding, Cookie"]
    whole, _, hidden = gzip.decompress(packed.data).rpartition(b"<!-- ")
    assert whole == plain.data
    assert hidden.endswith(b" -->")
    assert len(packed.data) < len(plain.data) / 2


def test_its_length_differs_from_time_to_time(alice: FlaskClient) -> None:
    """Otherwise whoever makes somebody ask for pages could guess what stands on them (BREACH)."""
    lengths = {len(alice.get("/portal", headers={"Accept-Encoding": "gzip"}).data) for _ in range(40)}
    assert len(lengths) > 5


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity", "x" * 5000])
def test_who_does_not_take_it_so_gets_it_as_it_is(alice: FlaskClient, accepted: str) -> None:
    answer = alice.get("/portal", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.data.startswith(b"<!DOCTYPE html>")
    assert answer.headers["Content-Length"] == str(len(answer.data))


def test_head_is_the_page_without_itself(alice: FlaskClient) -> None:
    whole, head = alice.get("/portal"), alice.head("/portal")
    assert head.data == b""
    assert head.status_code == 200
    assert dict(head.headers) == dict(whole.headers)


def test_a_short_piece_is_not_worth_it(world: World, as_: Callable[..., FlaskClient]) -> None:
    told = {"HX-Request": "true", "Accept-Encoding": "gzip"}
    answer = as_(world.carol).get("/firm/matters?q=nothing+like+it", headers=told)
    assert len(answer.text) < 900
    assert "Content-Encoding" not in answer.headers


def test_it_can_be_left_to_a_proxy(alice: FlaskClient) -> None:
    config.use(replace(config.active(), compress=False))
    assert "Content-Encoding" not in alice.get("/portal", headers={"Accept-Encoding": "gzip"}).headers
