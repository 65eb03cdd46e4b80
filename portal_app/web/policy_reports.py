"""Where browsers report what the content security policy kept from running. Reports are read with suspicion: see
:mod:`portal_app.domain.policy_reports`."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException

from portal_app.domain.policy_reports import Refusal, note
from portal_app.web.headers import REPORTS
from portal_app.web.login import public

blueprint = Blueprint("policy_reports", __name__)
_MOST_BYTES = 20_000
_MOST_AT_ONCE = 20
_A_MINUTE = 60  # reports that one process writes down; a flood of them is not worth a full disk
_written: deque[int] = deque(maxlen=_A_MINUTE)


@blueprint.post(REPORTS)
@public
def hear() -> Response:
    """204 for whatever can be read as reports, in both forms that browsers use; 400 for the rest."""
    if (request.content_length or 0) > _MOST_BYTES:
        abort(413)
    try:
        said = json.loads(request.get_data(cache=False)[: _MOST_BYTES + 1])
        found = list(_refusals(said))
    except (ValueError, RecursionError):
        abort(400)
    for refusal in found[:_MOST_AT_ONCE]:
        if _may_write():
            note(refusal)
    return Response("", 204)


def _may_write() -> bool:
    now = time.monotonic_ns()
    if len(_written) == _A_MINUTE and now - _written[0] < 60 * 10**9:
        return False
    _written.append(now)
    return True


def _refusals(said: Any) -> Iterator[Refusal]:
    """The old form is one object, the new one a list of reports of every kind."""
    if isinstance(said, Mapping):
        body = said.get("csp-report")
        if isinstance(body, Mapping):
            directive = body.get("effective-directive") or body.get("violated-directive")
            yield _refusal(body.get("document-uri"), directive, body.get("blocked-uri"), body.get("source-file"))
        return
    if not isinstance(said, list):
        raise ValueError("not a report")
    for item in said:
        body = item.get("body") if isinstance(item, Mapping) and item.get("type") == "csp-violation" else None
        if isinstance(body, Mapping):
            directive, page = body.get("effectiveDirective"), body.get("documentURL")
            yield _refusal(page, directive, body.get("blockedURL"), body.get("sourceFile"))


def _refusal(page: Any, directive: Any, blocked: Any, source: Any) -> Refusal:
    return Refusal(_route_of(_word(page)), _word(directive).split(" ")[0], _origin_of(blocked), _origin_of(source))


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text[:2000] if sign.isprintable())


def _route_of(address: str) -> str:
    """The route that an address of ours belongs to: it has no id, name or token in it."""
    try:
        path = urlsplit(address).path
        rule, _ = current_app.url_map.bind("").match(path, method="GET", return_rule=True)
    except (ValueError, HTTPException):
        return "elsewhere"
    return str(rule.rule)


def _origin_of(value: Any) -> str:
    """Scheme and host of an address; a browser's own word ("inline", "eval") as it is."""
    text = _word(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        return "unreadable"
    if parts.netloc == request.host:
        return _route_of(text) if not parts.path.startswith("/static/") else parts.path.rpartition("/")[2]
    return f"{parts.scheme}://{parts.hostname or ''}" if parts.scheme else text[:40]
