"""The wire: form encoding with brackets, the routing table, expansion and lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from portal_stripe.fake.core import ApiError, Fake, Object, Params, Scope, shown

Handler = Callable[..., Object]
ROUTES: list[tuple[str, re.Pattern[str], Handler, frozenset[str]]] = []


def route(method: str, path: str, allowed: str = "") -> Callable[[Handler], Handler]:
    """Serve ``path``; ``<id>`` stands for an id. Parameters that are not ``allowed`` are refused, as Stripe does."""

    def keep(handler: Handler) -> Handler:
        pattern = re.compile("/v1" + path.replace("<id>", r"([A-Za-z0-9_]+)"))
        ROUTES.append((method, pattern, handler, frozenset(allowed.split()) | {"expand"}))
        return handler

    return keep


def call(fake: Fake, scope: Scope, method: str, path: str, params: Params) -> Object:
    """What the one handler of this path answers, expanded. Raises ``ApiError``."""
    for verb, pattern, handler, allowed in ROUTES:
        match = pattern.fullmatch(path)
        if verb != method or match is None:
            continue
        for name in params:
            if name not in allowed:
                raise invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")
        answer = shown(handler(fake, scope, params, *match.groups()))
        for wish in params.get("expand", ()):
            _expand(fake, answer, wish.split("."))
        return answer
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).", is_kept=False)


def invalid(message: str, param: str = "", code: str = "parameter_invalid") -> ApiError:
    """A request that fails validation: Stripe has not begun with it, so its key remembers nothing."""
    return ApiError(400, message, param=param, code=code, is_kept=False)


def decode(text: str) -> Params:
    """``a[b]=1&c[0][d]=2`` as nested dictionaries and lists. All values are texts."""
    found: Params = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        steps = re.findall(r"[^\[\]]+|\[\]", name)
        place = found
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[str(len(place)) if steps[-1] == "[]" else steps[-1]] = value
    return _lists(found)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(each) for name, each in value.items()}


def whole(params: Params, name: str, default: int | None = None) -> int:
    """A whole number. Raises ``ApiError``."""
    text = params.get(name)
    if text is None and default is not None:
        return default
    if text is None:
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    if not re.fullmatch(r"-?\d+", str(text)):
        raise invalid(f"Invalid integer: {text}", name, "parameter_invalid_integer")
    return int(text)


def is_true(params: Params, name: str) -> bool:
    return params.get(name) in {"true", True}


def pick(params: Params, name: str, kind: type, default: Any = None) -> Any:
    """A parameter of this shape. Raises ``ApiError``."""
    value = params.get(name, default)
    if value is not None and not isinstance(value, kind):
        raise invalid(f"Invalid {name}", name)
    return value


LISTING = "created limit starting_after ending_before"


def listed(fake: Fake, params: Params, url: str, things: Iterable[Object]) -> Object:
    """A page of ``things`` (oldest first), newest first."""
    newest = fake.state["sequence"] if fake.hides_after is None else fake.hides_after
    shown_until = fake.now - fake.list_lag_seconds
    fitting = (each for each in things if fits(each["created"], params.get("created", {})))
    seen = [each for each in fitting if each["created"] <= shown_until and each["_number"] <= newest]
    seen.reverse()
    ids = [each["id"] for each in seen]
    limit = whole(params, "limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit", "limit")
    if after := params.get("starting_after"):
        if after not in ids:
            raise invalid(f"No such object: {after}", "starting_after", "resource_missing")
        seen = seen[ids.index(after) + 1 :]
    return {"object": "list", "url": url, "has_more": len(seen) > limit, "data": seen[:limit]}


def fits(moment: int, asked: Any) -> bool:
    """Whether a moment is in the range that a list was asked for."""
    if isinstance(asked, str):
        return moment == int(asked)
    tests: dict[str, Callable[[int, int], bool]] = {
        "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
    }  # fmt: skip
    return all(tests[name](moment, int(value)) for name, value in asked.items())


def _expand(fake: Fake, thing: Any, steps: list[str]) -> None:
    if isinstance(thing, list):
        for each in thing:
            _expand(fake, each, steps)
    if not isinstance(thing, dict) or not steps:
        return
    name, rest = steps[0], steps[1:]
    if name not in thing:
        raise invalid(f"This property cannot be expanded ({name}).", "expand")
    if isinstance(thing[name], str):
        thing[name] = shown(fake.object(thing[name]))
    elif isinstance(thing[name], list):
        thing[name] = [shown(fake.object(each)) if isinstance(each, str) else each for each in thing[name]]
    _expand(fake, thing[name], rest)
