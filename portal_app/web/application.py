"""Flask's application, with what ours need not find out anew for each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from flask import Flask, Request, request, request_tearing_down
from flask.globals import request_ctx
from werkzeug.exceptions import BadHost
from werkzeug.routing import MapAdapter
from werkzeug.sansio.utils import get_host

from portal_app.web import once
from portal_app.web.compiling import Pages
from portal_app.web.rules import RowNumber, Rule

_LONGEST_HOST = 300  # a name has 253 characters; nothing longer is remembered


class Portal(Flask):
    """Ours has no subdomains, no ``TRUSTED_HOSTS``, no websockets and no async views."""

    url_rule_class = Rule
    jinja_environment = Pages

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_map.converters["int"] = RowNumber
        self.template_context_processors[None].clear()  # Flask's own: our templates do not look into request or session
        self._steps: dict[str, _Steps] = {}

    def _steps_of(self, request: Request) -> _Steps:
        """Flask gathers them anew for each request; after the first one nothing can be added to them."""
        name = request.endpoint or ""
        known = self._steps.get(name)
        if known is None:
            known = self._steps[name] = _Steps.of(self, request.blueprints)
        return known

    def preprocess_request(self) -> Any:
        """As Flask's, once all that this thread still holds of another request is forgotten: before the first check."""
        once.forget()
        for check in self._steps_of(once.asked()).before:
            answer = check()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Any) -> Any:
        """As Flask's."""
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]  # as in Flask itself
        for step in context._after_request_functions:
            response = step(response)
        for step in self._steps_of(context.request).after:
            response = step(response)
        self.session_interface.save_session(self, context._session, response)
        return response

    def do_teardown_request(self, *problem: BaseException | None) -> None:
        """As Flask's, which tells everybody who wants to know; hardly ever anybody does."""
        if not problem or request_tearing_down.receivers:
            super().do_teardown_request(*problem)
            return
        for step in self._steps_of(request_ctx.request).teardown:
            step(*problem)

    def update_template_context(self, context: dict[str, Any]) -> None:
        """As Flask's, where no blueprint adds anything."""
        for add in self.template_context_processors[None]:
            context |= add() | context  # type: ignore[operator]  # none of ours is a coroutine

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, which reads the host twice and encodes its name: they are always the same few."""
        if request is None:
            return super().create_url_adapter(None)
        name = request.environ.get("HTTP_HOST")
        find = _host if len(name or "") <= _LONGEST_HOST else _host.__wrapped__
        request.host, encoded = find(request.scheme, name, request.server)
        path = request.path if request.environ.get("PATH_INFO") else ""
        return MapAdapter(
            self.url_map, encoded, request.root_path, self.url_map.default_subdomain, request.scheme, path,
            request.method, request.query_string.decode(errors="replace"),
        )  # fmt: skip

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: Flask would look at each view, and at what runs before and after it, on every request."""
        return func


class _Steps(NamedTuple):
    """What runs before and after an endpoint's view, in this order."""

    before: tuple[Callable[[], Any], ...]
    after: tuple[Callable[[Any], Any], ...]
    teardown: tuple[Callable[[BaseException | None], Any], ...]

    @classmethod
    def of(cls, app: Portal, blueprints: list[str]) -> _Steps:
        """Those of the application and of the endpoint's blueprints (Flask: callbacks and errors, order)."""
        names: list[str | None] = [*blueprints, None]

        def last_first(steps: Mapping[str | None, list[Any]]) -> tuple[Any, ...]:
            return tuple(step for name in names for step in reversed(steps.get(name, ())))

        def first_first(steps: Mapping[str | None, list[Any]]) -> tuple[Any, ...]:
            return tuple(step for name in reversed(names) for step in steps.get(name, ()))

        looks = tuple(partial(_look, look) for look in first_first(app.url_value_preprocessors))
        before = (*looks, *first_first(app.before_request_funcs))
        return cls(before, last_first(app.after_request_funcs), last_first(app.teardown_request_funcs))


def _look(look: Callable[[str | None, dict[str, Any] | None], None]) -> None:
    look(request.endpoint, request.view_args)


@lru_cache(maxsize=64)
def _host(scheme: str, name: str | None, server: tuple[str, int | None] | None) -> tuple[str, str]:
    """The host that a request names, and how its name is written in ASCII; whose is empty names none.

    Raises:
        BadHost: 400, the name cannot be one.
    """
    host = get_host(scheme, name, server)
    domain, colon, port = host.lower().partition(":")
    try:
        return host, f"{domain.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError as problem:
        raise BadHost from problem
