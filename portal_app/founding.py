"""The first minute of an installation: tables, the firm, its administrator, its two bank accounts."""

from __future__ import annotations

from portal_app import clock, config, money, schema, vault
from portal_app.config import Config
from portal_app.db import open_database, transaction
from portal_app.domain import firms, invitations, people, store
from portal_app.domain.errors import Refused
from portal_app.domain.firms import Firm
from portal_app.domain.passwords import check_password_rules
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser

ACCOUNTS = (("Operating account", "operating"), ("Trust account", "trust"))


class FoundedAlready(RuntimeError):
    """There is a firm in this data folder; it is left as it is."""


class PendingMigrations(RuntimeError):
    """The database is older than this version: ``portal migrate`` comes first."""


def open_data(settings: Config) -> None:
    """Work with the database and documents of ``settings``, without the web."""
    config.use(settings)
    vault.hush_logs()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    open_database(settings.database_url)
    store.open_store(settings.documents or settings.data_dir / "documents")


def refuse_pending() -> None:
    """Raises ``PendingMigrations`` when there are any."""
    if schema.pending():
        raise PendingMigrations


def check(*, email: str, password: str, time_zone: str, locale: str = "en_US", currency: str = "USD") -> None:
    """What :func:`found` would refuse, before anything is written.

    Raises:
        Refused: with a sentence.
    """
    people.clean_email(email)
    check_password_rules(password)
    if not clock.is_zone(time_zone):
        raise Refused(f"There is no time zone “{time_zone}”. Write it like America/Chicago.", "time_zone")
    if locale not in firms.LOCALES:
        raise Refused(f"There is no locale “{locale}”. Choose one of {', '.join(firms.LOCALES)}.", "locale")
    if not money.is_currency(currency):
        raise Refused(f"“{currency}” is no currency with cents. Write it like USD.", "currency")


def refuse_founded() -> None:
    """Raises ``FoundedAlready`` when there is a firm."""
    if firms.is_founded():
        raise FoundedAlready(firms.current().name)


def found(
    name: str, *, admin_name: str, admin_email: str, password: str, time_zone: str, roles: list[str], **details: object
) -> FirmUser:
    """Make the tables and write down the firm, its bank accounts and its first administrator, registered.

    ``details`` are further fields of the firm. All or nothing, but for the tables.

    Raises:
        FoundedAlready: there is a firm. Refused: the address, password or time zone cannot be used.
    """
    refuse_founded()
    written = {key: str(details[key]) for key in ("locale", "currency") if key in details}
    check(email=admin_email, password=password, time_zone=time_zone, **written)
    schema.migrate()
    with transaction():
        firms.found(name, time_zone=time_zone, **details)
        for account, fund in ACCOUNTS:
            BankAccount.create(name=account, fund=fund)
        who = people.add_firm_user(email=admin_email, name=admin_name, roles=roles, time_zone=time_zone)
        invitations.accept_invitation(invitations.invite(who, by=None, days=1).token, password)
    return FirmUser.get_by_id(who.id)


def firm_of(settings: Config) -> Firm:
    """The firm, when everything is ready to be used.

    Raises:
        PendingMigrations: the tables are behind. NoFirm: nobody has set it up yet.
    """
    open_data(settings)
    if not firms.is_founded():
        raise firms.NoFirm
    refuse_pending()
    return firms.current()
