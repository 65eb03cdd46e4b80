"""Flask's application, with what ours need not find out anew for each request."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from flask import Flask, Request
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

    def preprocess_request(self) -> Any:
        """As Flask's, once all that this thread still holds of another request is forgotten: before the first check."""
        once.forget()
        return super().preprocess_request()

    def update_template_context(self, context: dict[str, Any]) -> None:
        """As Flask's, where no blueprint adds anything."""
        for add in self.template_context_processors[None]:
            for name, value in cast(dict[str, Any], add()).items():
                context.setdefault(name, value)

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
