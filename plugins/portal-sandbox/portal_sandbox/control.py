"""The control page: what a bank, a payer or the gateway's people would do, done by whoever rehearses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal_sandbox.office import Office
from portal_sandbox.overview import draw
from portal_sandbox.till import NoSuchCharge
from portal_sandbox.works import works

control = Blueprint("control", __name__)

_ACTS: Final[dict[str, Callable[[Office, str], object]]] = {
    "settle": lambda office, id: office.settle(id, is_done=True),
    "refuse": lambda office, id: office.settle(id, is_done=False),
    "return": Office.send_back,
    "dispute": Office.dispute,
    "won": lambda office, id: office.decide(id, "won"),
    "lost": lambda office, id: office.decide(id, "lost"),
    "pay_out": Office.pay_out,
    "pay_out_failed": Office.pay_out_failed,
    "take": Office.take_elsewhere,
    "tell": Office.tell_again,
}


@control.before_request
def check_origin() -> None:
    """Only our own page presses these buttons; no other site may do it in somebody's browser."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site != "same-origin" if site else host_of(request.headers.get("Origin", "")) != request.host:
        abort(403)


@control.get("/")
def show() -> ResponseReturnValue:
    g.policy = {"form-action": "'self'"}
    with works().books.reading() as rows:
        return render_template("control.html", all=draw(rows), now=works().books.clock())


@control.post("/")
def act() -> ResponseReturnValue:
    """Do the one thing that the button says, if it can still be done; then show how things stand."""
    what, id = request.form.get("do", ""), request.form.get("id", "")
    if what not in _ACTS:
        abort(422, "Press one of the buttons of the control page.")
    try:
        _ACTS[what](works().office, id)
    except NoSuchCharge:
        abort(404)
    return redirect(url_for("control.show", _anchor=request.form.get("at", "")), 303)


def host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
