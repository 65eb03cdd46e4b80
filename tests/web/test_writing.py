"""How times are written: as the firm's country does, and so that a sentence may end with one."""

from __future__ import annotations

import datetime as dt

import pytest

from portal_app.domain import firms
from portal_app.web.writing import Writing


@pytest.mark.parametrize(
    ("locale", "written"), [("en_US", "9:57 PM"), ("en_CA", "9:57 pm"), ("en_GB", "21:57"), ("en_DE", "21:57")]
)
@pytest.mark.usefixtures("world")
def test_a_time_has_no_point_of_its_own(locale: str, written: str) -> None:
    firms.change(locale=locale)
    shown = Writing(firms.current(), "UTC").time_of(dt.datetime(2026, 7, 9, 21, 57))  # noqa: DTZ001 - stored: naive UTC
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == written
