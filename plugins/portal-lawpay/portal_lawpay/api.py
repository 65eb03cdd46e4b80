"""LawPay's interface over the host's wire: how a call is signed, and what an answer may be."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from portal_app.plugin_api import Context
from portal_lawpay.settings import address, setting

Told = Mapping[str, Any]


class Unclear(Exception):
    """LawPay answered something that does not say what was asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and the JSON object that came with it; empty when it was none."""

    status: int
    told: Told

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


class Api:
    """Calls as one account of one firm."""

    def __init__(self, ctx: Context, key: str = "secret_key") -> None:
        self._http = ctx.http
        self._base = address(ctx, "base_url")
        signed = b64encode(f"{setting(ctx, key)}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {signed}", "Accept": "application/json"}

    def get(self, *path: str, **query: str | int) -> Answer:
        return self._call("GET", path, query, None)

    def post(self, *path: str, body: Told) -> Answer:
        return self._call("POST", path, {}, body)

    def read(self, *path: str, **query: str | int) -> Told:
        """The object at ``path``. Raises ``Unclear`` when it does not come."""
        answer = self.get(*path, **query)
        if not answer.is_ok or not answer.told:
            raise Unclear(f"{'/'.join(path[:1])}: {answer.status}")
        return answer.told

    def _call(self, method: str, path: tuple[str, ...], query: Mapping[str, str | int], body: Told | None) -> Answer:
        url = "/".join((self._base, *(quote(part, safe="") for part in path)))
        kept = {name: value for name, value in query.items() if value != ""}
        response = self._http(
            method, f"{url}?{urlencode(kept)}" if kept else url, headers=self._headers, json=body
        )  # fmt: skip
        try:
            return Answer(response.status, response.json())
        except (ValueError, RecursionError):
            return Answer(response.status, {})
