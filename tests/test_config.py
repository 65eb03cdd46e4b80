"""Settings: from arguments over the environment over the file; a wrong one is named with what is expected."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from portal_app import config


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "portal.toml").write_text('port = 1111\nthreads = 3\nhost = "0.0.0.0"\ncompress = false\n')
    environ = {"PORTAL_DATA": str(tmp_path), "PORTAL_PORT": "2222", "PORTAL_THREADS": "4", "HOME": "/x"}
    found = config.load(environ, port=3333)
    assert (found.port, found.threads, found.host, found.compress) == (3333, 4, "0.0.0.0", False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "eighty", "port number"),
        ("PORT", "0", "port number"),
        ("THREADS", "-1", "whole number"),
        ("THREADS", "٣", "whole number"),
        ("COMPRESS", "maybe", "true or false"),
        ("PUBLIC_URL", "portal.example.com", "https://portal.example.com"),
        ("PUBLIC_URL", "https://example.com/portal", "without a path"),
        ("DATABASE", "mysql://x", "sqlite:///"),
        ("SECRET_KEY", "short", "32 characters"),
        ("MAIL_FROM", "nobody\r\nBcc: x@example.com", "e-mail address"),
        ("MAIL_SECURITY", "ssl", "starttls, tls or none"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(config.BadSetting) as told:
        config.load({f"PORTAL_{name}": value})
    assert f"PORTAL_{name}" in str(told.value)
    assert expected in str(told.value)
    if name == "SECRET_KEY":
        assert value not in str(told.value)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(config.BadSetting, match="PORTAL_PROT"):
        config.load({"PORTAL_PROT": "1"})
    (tmp_path / "portal.toml").write_text("prot = 1\n")
    with pytest.raises(config.BadSetting, match="prot"):
        config.load({"PORTAL_DATA": str(tmp_path)})
    (tmp_path / "portal.toml").write_text("prot = = 1\n")
    with pytest.raises(config.BadSetting, match="TOML"):
        config.load({"PORTAL_DATA": str(tmp_path)})


def test_a_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    found = config.load({}, data=str(tmp_path / "new"))
    first = config.secret_key(found)
    assert len(first) == 64
    assert config.secret_key(found) == first
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert config.secret_key(config.load({"PORTAL_SECRET_KEY": "k" * 40})) == "k" * 40
