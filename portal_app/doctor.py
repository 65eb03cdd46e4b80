"""Whether this installation is well: ``portal doctor``. Each finding says what is so and, if that is wrong, what to do.

Nothing is changed. What cannot be looked at is said to be unknown, never to be well.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portal_app import clock, config, db, gateway_setup, outbound, plugins, schema
from portal_app.domain import clamd, firms, outbox, payments
from portal_app.web import letters, probe

WELL, WORTH_A_LOOK, WRONG = "well", "look", "wrong"
_CLAIMED = "203.0.113.77"  # RFC 5737: nobody's address, so whoever believes it believes anything
_DISK_MB = 1024
_LATE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Finding:
    """``state``: well, look or wrong. ``text``: what is so; what to do about it."""

    about: str
    state: str
    text: str


def examine() -> list[Finding]:
    """Everything, in the order in which it is mended."""
    found = []
    for about, look in CHECKS:
        try:
            found += [Finding(about, state, text) for state, text in look()]
        except Exception as problem:  # a check that fails is a finding too
            found.append(Finding(about, WRONG, f"Cannot be looked at: {type(problem).__name__}: {problem}"))
    return found


_Said = Iterator[tuple[str, str]]


def _folder() -> _Said:
    folder = config.active().data_dir
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield WORTH_A_LOOK, f"Others on this machine can read {folder}. Close it: chmod 700 {folder}"
    key = folder / config.KEY_FILE
    if key.exists() and key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield WRONG, f"Others on this machine can read {key}. Close it: chmod 600 {key}; then portal rotate-secrets"
    free = shutil.disk_usage(folder).free // 1024**2
    if free < _DISK_MB:
        yield WRONG, f"Only {free} MB are free on the disk of {folder}."
    else:
        yield WELL, f"{folder}, {free // 1024} GB free"


def _database() -> _Said:
    db.self_test()
    if schema.pending():
        yield WRONG, "Older than this version of the portal. Make a copy of it, then run: portal migrate"
    else:
        yield WELL, "SQLite with full durability" if db.is_sqlite() else "PostgreSQL"


def _address() -> _Said:
    settings = config.active()
    if not settings.public_url:
        yield WORTH_A_LOOK, "public_url is not set: links in e-mails lead to this machine only."
    elif not settings.is_https:
        yield WRONG, f"{settings.public_url} is not https: passwords and cookies can be read on the way."
    else:
        yield WELL, settings.public_url


def _proxies() -> _Said:
    """The portal is asked through its own public address, with a made-up sender: what does it believe?"""
    settings = config.active()
    if not settings.public_url:
        yield WORTH_A_LOOK, "Not looked at: public_url is not set."
        return
    seen = _ask(settings.public_url)
    if seen is None:
        yield WORTH_A_LOOK, f"Unknown: this installation does not answer at {settings.public_url}. Is it served?"
        return
    yield from _judged(seen, settings)


def _ask(address: str) -> dict[str, Any] | None:
    get = outbound.Outbound(outbound.hosts_of(address))
    headers = {probe.HEADER: probe.token(), "X-Forwarded-For": _CLAIMED}
    try:
        answer = get("GET", address + probe.PATH, headers=headers)
        return dict(json.loads(answer.body)) if answer.status == 200 else None
    except Exception:
        return None


def _judged(seen: dict[str, Any], settings: config.Config) -> _Said:
    """``forwarded`` is what the proxies wrote behind the made-up sender, or in its place."""
    count = settings.trusted_proxies
    hops = [part.strip() for part in str(seen["forwarded"]).split(",") if part.strip()]
    passed = len(hops) - (hops[:1] == [_CLAIMED])
    if seen["remote"] == _CLAIMED:
        yield (
            WRONG,
            (
                f"trusted_proxies is {count}, and that is too many: whoever asks can name any address as their own, "
                "and get past the limits against guessing."
            ),
        )
    elif count == 0 and (passed or (settings.is_https and seen["scheme"] != "https")):
        yield (
            WRONG,
            (
                "A proxy stands in front and is not trusted: everybody seems to come from its address. "
                f"Set trusted_proxies to how many there are{f': {passed}' if passed else ''}."
            ),
        )
    elif passed < count:
        yield WRONG, f"trusted_proxies is {count}, but {passed} wrote X-Forwarded-For: nobody's address is believed."
    elif settings.is_https and seen["scheme"] != "https":
        yield WRONG, "The proxy does not say that its visitors use https. Let it set X-Forwarded-Proto."
    elif seen["host"] != urlsplit(settings.public_url).netloc:
        yield WRONG, f"The portal is asked for {seen['host']}, not for its public address. Let the proxy pass Host on."
    else:
        yield WELL, f"{count} trusted, and that is right" if count else "None trusted, and none seen"


def _mail() -> _Said:
    server = letters.server()
    if server is None:
        yield WORTH_A_LOOK, "No mail server is set: e-mails are kept in the portal, and nobody gets them."
        return
    kind = smtplib.SMTP_SSL if server.security == "tls" else smtplib.SMTP
    try:
        with kind(server.host, server.port, timeout=10) as link:
            if server.security == "starttls":
                link.starttls(context=ssl.create_default_context())
            if server.user:
                link.login(server.user, server.password)
    except (OSError, smtplib.SMTPException) as problem:
        yield WRONG, f"{server.host}:{server.port} does not take our mail: {problem}"
        return
    if server.security == "none":
        yield WORTH_A_LOOK, f"{server.host}:{server.port} answers, but what it is sent can be read on the way."
    else:
        yield WELL, f"{server.host}:{server.port}"


def _worker() -> _Said:
    late = outbox.late(_LATE_SECONDS)
    failing = outbox.troubles()
    if late:
        yield WRONG, f"{late} things wait for more than ten minutes. Does portal serve, or portal worker, run?"
    elif failing:
        yield WORTH_A_LOOK, f"{failing} things have failed and are tried again. See Settings › E-mails, and the log."
    else:
        yield WELL, "Nothing waits"


def _gateways() -> _Said:
    for name, problem in plugins.registry().broken.items():
        yield WRONG, f"The plugin {name} cannot be loaded: {problem}"
    paused = gateway_setup.paused_gateways()
    if paused:
        yield WRONG, f"{gateway_setup.PAUSED} See Payments › Gateways."
    enabled = [row for row in gateway_setup.all_gateways() if row.enabled_at]
    for row in enabled:
        if row.is_healthy is False:
            yield WRONG, f"{gateway_setup.title_of(row)}: its last test failed. Press Test connection on its page."
        elif gateway_setup.is_rehearsal(row):
            yield WORTH_A_LOOK, f"{gateway_setup.title_of(row)} is on: payments are rehearsed, no money moves."
        else:
            yield WELL, f"{gateway_setup.title_of(row)}, {row.mode}"
    if not enabled:
        yield WORTH_A_LOOK, "None is on: clients cannot pay."
    questions = len(payments.open_questions())
    if questions:
        yield WORTH_A_LOOK, f"{questions} questions wait for a person. See Payments › Questions."


def _scanner() -> _Said:
    if not config.active().clamd:
        yield WORTH_A_LOOK, "clamd is not set: files are not looked through for malware before people open them."
    elif problem := clamd.problem(config.active().clamd):
        yield WRONG, f"clamd at {config.active().clamd} does not answer: {problem}. Files are held until it does."
    else:
        yield WELL, config.active().clamd


def _firm() -> _Said:
    firm = firms.current()
    if not clock.is_zone(firm.time_zone):
        yield WRONG, f"The time zone {firm.time_zone} is not known on this machine."
    else:
        yield WELL, f"{firm.name}, {firm.time_zone}"


CHECKS: tuple[tuple[str, Callable[[], _Said]], ...] = (
    ("Data folder", _folder),
    ("Database", _database),
    ("Firm", _firm),
    ("Public address", _address),
    ("Proxies", _proxies),
    ("Mail server", _mail),
    ("Background work", _worker),
    ("Gateways", _gateways),
    ("Malware scanner", _scanner),
)
