"""Every setting: name, default, one line of help. Read from the environment (``PORTAL_NAME``) over a file
(``portal.toml`` in the data folder, or ``PORTAL_CONFIG``). The reference page of the docs is generated from here."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE_NAME = "portal.toml"
KEY_FILE = "secret_key"


class BadSetting(ValueError):
    """A setting has a value that cannot be used; the message names it and says what is expected."""


def _text(raw: str) -> str:
    return raw


def _whole(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()):
        raise ValueError("a whole number")
    return int(raw)


def _count(raw: str) -> int:
    if _whole(raw) < 1:
        raise ValueError("a whole number above zero")
    return int(raw)


def _hash_memory(raw: str) -> int:
    if not 19 <= _whole(raw) <= 4096:
        raise ValueError("a whole number from 19 to 4096")
    return int(raw)


def _hash_rounds(raw: str) -> int:
    if not 2 <= _whole(raw) <= 100:
        raise ValueError("a whole number from 2 to 100")
    return int(raw)


def _port(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit() and 0 < int(raw) < 65536):
        raise ValueError("a port number from 1 to 65535")
    return int(raw)


def _flag(raw: str) -> bool:
    if raw.lower() not in {"true", "false", "1", "0", "yes", "no"}:
        raise ValueError("true or false")
    return raw.lower() in {"true", "1", "yes"}


def _web_url(raw: str) -> str:
    parts = urlsplit(raw)
    if raw and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}):
        raise ValueError("an address without a path, like https://portal.example.com")
    return raw.rstrip("/")


def _database(raw: str) -> str:
    if raw and not raw.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ValueError("sqlite:///path/to/file or postgresql://user@host/name")
    return raw


def _key(raw: str) -> str:
    if raw and len(raw) < 32:
        raise ValueError("at least 32 characters, from `python -c 'import secrets; print(secrets.token_hex(32))'`")
    return raw


def _keys(raw: str) -> str:
    return ",".join(_key(part.strip()) for part in raw.split(",") if part.strip())


def _sender(raw: str) -> str:
    if raw and ("@" not in raw or any(sign in raw for sign in "\r\n")):
        raise ValueError("an e-mail address, like portal@example.com")
    return raw


def _clamd(raw: str) -> str:
    host, _, port = raw.rpartition(":")
    if raw and not raw.startswith("/") and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("/run/clamav/clamd.ctl, or an address like 127.0.0.1:3310")
    return raw


def _mail_security(raw: str) -> str:
    if raw not in {"starttls", "tls", "none"}:
        raise ValueError("starttls, tls or none")
    return raw


def _setting(default: Any, read: Callable[[str], Any], help_text: str, *, is_secret: bool = False) -> Any:
    return field(default=default, metadata={"read": read, "help": help_text, "secret": is_secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One installation's settings, checked."""

    data: str = _setting("data", _text, "Folder for the database, documents, keys and this file.")
    database: str = _setting("", _database, "Database address. Empty: SQLite in the data folder.")
    documents: str = _setting(
        "", _text, "Where documents lie: a folder, or s3://bucket/prefix. Empty: in the data folder."
    )
    secret_key: str = _setting(
        "", _key, "Signs cookies and seals secrets. Empty: made once and kept in the data folder.", is_secret=True
    )
    previous_secret_keys: str = _setting(
        "", _keys, "Keys before `secret_key`, the newest first, with commas between: what they sealed or signed still "
        "counts. `portal rotate-secrets` makes them needless.", is_secret=True,
    )  # fmt: skip
    public_url: str = _setting(
        "",
        _web_url,
        "The portal's own address as clients type it; links in e-mails begin with it. "
        "With https, cookies are Secure and plain http is refused.",
    )
    host: str = _setting("127.0.0.1", _text, "Address to listen on.")
    port: int = _setting(8080, _port, "Port to listen on.")
    companion_port: int = _setting(
        0, _whole, "Port for a rehearsal gateway's own pages. 0: the port above the portal's."
    )
    companion_url: str = _setting(
        "", _web_url, "Address of those pages as a browser reaches them. Empty: this machine."
    )
    threads: int = _setting(8, _whole, "Requests served at the same time.")
    trusted_proxies: int = _setting(0, _whole, "How many reverse proxies stand in front and set X-Forwarded-*.")
    compress: bool = _setting(True, _flag, "Compress pages here. Switch off when a proxy does it.")
    mail_server: str = _setting(
        "", _text, "SMTP server. Empty: e-mails are kept in the portal and shown to administrators."
    )
    mail_port: int = _setting(587, _port, "SMTP port.")
    mail_security: str = _setting("starttls", _mail_security, "starttls, tls or none.")
    mail_user: str = _setting("", _text, "SMTP user name.")
    mail_password: str = _setting("", _text, "SMTP password.", is_secret=True)
    mail_from: str = _setting("", _sender, "Sender of e-mails. Empty: the firm's own e-mail address.")
    upload_limit_mb: int = _setting(50, _whole, "Largest file that can be added to a matter, in MB.")
    reconcile_by_two: bool = _setting(
        False, _flag,
        "Trust reconciliations are closed by somebody other than who prepared them, whatever the rule pack says.",
    )  # fmt: skip
    clamd: str = _setting(
        "", _clamd, "ClamAV's daemon, which looks through every file that is added before anybody can open it: the "
        "path of its socket, or host:port. Empty: files are not looked through."
    )  # fmt: skip
    pdf_seconds: int = _setting(60, _count, "How long one PDF may take to be made.")
    pdf_memory_mb: int = _setting(
        1024, _count, "Memory for the process that makes PDFs, in MB. It is there only while some are made."
    )
    invitation_days: int = _setting(14, _whole, "How many days an invitation stays open.")
    audit_years: int = _setting(7, _whole, "How many years the audit trail is kept. 0: for ever.")
    paper_invitation_days: int = _setting(30, _count, "How many days an invitation by letter stays open.")
    pay_link_days: int = _setting(
        90, _whole, "How many days the link works that shows one invoice and takes its payment without signing in. "
        "0: invoices carry no such link.",
    )  # fmt: skip
    sign_in_link_minutes: int = _setting(10, _count, "How many minutes an e-mailed sign-in link works.")
    password_reset_minutes: int = _setting(60, _count, "How many minutes a link to choose a new password works.")
    session_idle_minutes: int = _setting(60, _count, "Sign a portal user out after this long without a request.")
    session_hours: int = _setting(12, _count, "Sign a portal user out after this long in any case.")
    staff_session_idle_minutes: int = _setting(60, _count, "The same for people of the firm.")
    staff_session_hours: int = _setting(12, _count, "The same for people of the firm.")
    administrator_session_idle_minutes: int = _setting(30, _count, "The same for administrators.")
    administrator_session_hours: int = _setting(10, _count, "The same for administrators.")
    fresh_minutes: int = _setting(
        15, _count, "Before gateways, roles and ways to sign in are touched, the password or a passkey must have been "
        "given within so many minutes.",
    )  # fmt: skip
    password_hash_memory_mb: int = _setting(
        64, _hash_memory, "Memory for one Argon2id hash of a password, in MB. At least 19."
    )
    password_hash_rounds: int = _setting(3, _hash_rounds, "Rounds of one hash. At least 2.")
    password_hash_lanes: int = _setting(
        1, _count, "Threads of one hash. More are quicker, and take more processors from the pages."
    )
    password_hashes_at_once: int = _setting(
        2, _count, "How many passwords are hashed at the same time in one process; others wait their turn."
    )

    @property
    def data_dir(self) -> Path:
        return Path(self.data).absolute()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data_dir / 'portal.sqlite3'}"

    @property
    def own_url(self) -> str:
        """The portal's address, as links in e-mails begin."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def own_companion_url(self) -> str:
        return self.companion_url or f"http://localhost:{self.own_companion_port}"

    @property
    def own_companion_port(self) -> int:
        return self.companion_port or self.port + 1

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def upload_limit_bytes(self) -> int:
        return self.upload_limit_mb * 1024 * 1024


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Config:
    """Settings from arguments over the environment over the file.

    Raises:
        BadSetting: naming the setting, where it was set, and the expected form.
    """
    values = _gather(os.environ if environ is None else environ, given)
    return Config(**{name: _read(name, where, raw) for name, (where, raw) in values.items()})


def explain(environ: Mapping[str, str] | None = None, **given: Any) -> list[tuple[str, str, str]]:
    """Name, value and origin of each setting, for people to look at: secrets only say whether they are set."""
    settings = load(environ, **given)
    values = _gather(os.environ if environ is None else environ, given)
    found = []
    for item in fields(Config):
        value = getattr(settings, item.name)
        shown = ("set" if value else "not set") if item.metadata["secret"] else _as_text(value)
        found.append((item.name, _without_password(shown), values.get(item.name, ("default", ""))[0]))
    return found


def _without_password(address: str) -> str:
    return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1…@", address)


def _gather(environ: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Where each setting that is not left to its default comes from, and its raw text."""
    data = str(given.get("data") or environ.get("PORTAL_DATA") or Config.__dataclass_fields__["data"].default)
    path = Path(environ.get("PORTAL_CONFIG") or Path(data) / FILE_NAME)
    values = (
        _from_file(path)
        | _from_environment(environ)
        | {name: (f"option {name}", str(value)) for name, value in given.items() if value is not None}
    )
    values.setdefault("data", ("default", data))
    return values


def _from_file(path: Path) -> dict[str, tuple[str, str]]:
    if not path.is_file():
        return {}
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSetting(f"{path} cannot be read as TOML: {problem}") from None
    known = {item.name for item in fields(Config)}
    for name in read:
        if name not in known:
            raise BadSetting(f"{path}: there is no setting “{name}”. See docs/reference/settings.md for the list.")
    return {name: (str(path), _as_text(value)) for name, value in read.items()}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    known = {item.name for item in fields(Config)}
    found = {}
    for key, value in environ.items():
        name = key.removeprefix("PORTAL_").lower()
        if not key.startswith("PORTAL_") or key == "PORTAL_CONFIG":
            continue
        if name not in known:
            raise BadSetting(f"environment variable {key}: there is no setting “{name}”.")
        found[name] = (f"environment variable {key}", value)
    return found


def _read(name: str, where: str, raw: str) -> Any:
    item = Config.__dataclass_fields__[name]
    try:
        return item.metadata["read"](raw)
    except ValueError as problem:
        shown = "the value given" if item.metadata["secret"] else f"“{_without_password(raw)}”"
        raise BadSetting(f"{where}: {name} cannot be {shown}. Expected: {problem}.") from None


def secret_keys(config: Config) -> tuple[str, ...]:
    """The key that seals and signs, and those before it that are still believed: the configured ones, or the lines of
    the file in the data folder, which is made at first need and readable by its owner alone."""
    if config.secret_key:
        return (config.secret_key, *filter(None, config.previous_secret_keys.split(",")))
    path = config.data_dir / KEY_FILE
    config.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return tuple(path.read_text("ascii").split())
    _fill(handle, secrets.token_hex(32))
    return tuple(path.read_text("ascii").split())


def secret_key(config: Config) -> str:
    """The newest of :func:`secret_keys`."""
    return secret_keys(config)[0]


def keep_secret_keys(config: Config, keys: Sequence[str]) -> None:
    """Write the file of :func:`secret_keys` anew, the newest first; whole or not at all."""
    draft = config.data_dir / f"{KEY_FILE}.{secrets.token_hex(4)}"
    _fill(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "\n".join(keys))
    draft.replace(config.data_dir / KEY_FILE)


def _fill(handle: int, text: str) -> None:
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


_active: list[Config] = []


def use(config: Config) -> None:
    """Make ``config`` this process's settings."""
    _active[:] = [config]


def active() -> Config:
    """This process's settings."""
    return _active[0]
