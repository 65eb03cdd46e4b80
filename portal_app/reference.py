"""The reference pages of the docs, drawn from the program itself: ``python -m portal_app.reference [DIR]``.

A test compares them with the files in docs/reference, so that they cannot grow old.
"""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal_app.inventory import roles, routes

if TYPE_CHECKING:
    import click

RENEW = "python -m portal_app.reference"
NOTE = f"<!-- Drawn from the program by `{RENEW}`; changes by hand are lost. -->"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _prose(text: str) -> str:
    return " ".join(text.split())


# Pages


def settings_page() -> str:
    from portal_app.config import FILE_NAME, Config

    rows = [
        (
            f"`{item.name}`",
            f"`PORTAL_{item.name.upper()}`",
            _default(item.default),
            item.metadata["help"] + (" Secret: never shown." if item.metadata["secret"] else ""),
        )
        for item in fields(Config)
    ]
    return "\n\n".join(
        [
            "# Settings",
            _prose(
                f"""Each setting is an environment variable, or a line of `{FILE_NAME}` in the data folder
                (`PORTAL_CONFIG` names another file). The environment goes over the file; options of a command go
                over both. A wrong value is named at start, with the form that is expected. `portal settings` shows
                what is in force and where it comes from."""
            ),
            (
                '```toml\n# portal.toml\npublic_url = "https://portal.example.com"\nmail_server = "smtp.example.com"\n'
                'mail_from = "portal@example.com"\n```'
            ),
            _table(("setting", "environment", "default", "what it is"), rows),
        ]
    )


def _default(value: object) -> str:
    return "" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def commands_page() -> str:
    import click

    from portal_app.cli import main

    parts = ["# Commands", "What `portal COMMAND --help` says, for every command."]
    top = click.Context(main, info_name="portal", terminal_width=100, **main.context_settings)
    parts.append(f"```text\n{main.get_help(top)}\n```")
    for name in main.list_commands(top):
        command = main.get_command(top, name)
        if command is None:
            continue
        parts += _help_of(name, command, top)
    parts.append(
        "Exit codes: 0 when it was done, 1 when `portal verify` found a fault, 2 when something must be mended first; "
        "one sentence says what."
    )
    return "\n\n".join(parts)


def _help_of(name: str, command: click.Command, above: click.Context) -> list[str]:
    """The help of a command, and of those below it."""
    import click

    below = click.Context(command, info_name=name, parent=above, terminal_width=100)
    parts = [f"## {below.command_path}", f"```text\n{command.get_help(below)}\n```"]
    if isinstance(command, click.Group):
        for each in command.list_commands(below):
            found = command.get_command(below, each)
            parts += _help_of(each, found, below) if found else []
    return parts


def routes_page() -> str:
    who = {"public": "everybody", "portal": "portal users"}
    rows = [
        (method, f"`{path}`", who.get(action or "public", f"staff: `{action}`")) for method, path, action in routes()
    ]
    return "\n\n".join(
        [
            "# Routes",
            _prose(
                """Every address of the portal. Staff need a role that may do the action ([roles](roles.md)); portal
                users see only what is shared with them, and anybody else's things are “not found”."""
            ),
            _table(("method", "path", "who"), rows),
        ]
    )


def recipes_page() -> str:
    from portal_app.domain.ledger.recipes import TABLE

    rows = []
    for recipe in TABLE:
        codes = ", ".join(f"`{code}`" for code in recipe.undoes)
        undone = "takes back " + ("any entry" if "*" in recipe.undoes else codes)
        sides = [(part.fund, ", ".join(part.debit), ", ".join(part.credit)) for part in recipe.parts]
        fund, debit, credit = ("<br>".join(side) for side in zip(*sides, strict=True)) if sides else (undone, "", "")
        rows.append((f"`{recipe.code}`", recipe.words, fund, debit, credit, recipe.why))
    return "\n\n".join(
        [
            "# Posting recipes",
            _prose(
                """Every way in which money changes: what it is called in a matter's ledger, in which fund, and which
                accounts may be debited and credited. An entry that fits no row is refused. An event with two funds
                balances in each of them. T01 and the like are rules of trust accounting."""
            ),
            _table(("code", "name", "fund", "debit", "credit", "why"), rows),
        ]
    )


def roles_page() -> str:
    names, rows = roles()
    marks = [(f"`{action}`", *("yes" if has else "" for has in given)) for action, given in rows]
    return "\n\n".join(
        [
            "# Roles",
            _prose(
                """What each role at the firm may do. A person can have several. On a restricted matter these rights
                count only for its responsible attorney, the people named on it, and administrators."""
            ),
            _table(("action", *names), marks),
        ]
    )


def access_page() -> str:
    from portal_app.domain import access, people

    visitors = {role: {role} for role in people.ROLES} | {name: name for name in (access.PORTAL, access.NOBODY)}
    rows = [
        (method, f"`{path}`", *(access.answer(action or "public", visitor) for visitor in visitors.values()))
        for method, path, action in routes()
    ]
    return "\n\n".join(
        [
            "# Who gets what answer",
            _prose(
                """Every address and every kind of visitor. “yes”: let in, to what is theirs (a portal user's own
                things, a matter that is not restricted); 403: the role may not; 404: for them it is not there; “sign
                in”: led to the sign-in page. Somebody disabled is signed out; somebody without a role gets 403
                everywhere. A test sends each of these requests and compares."""
            ),
            _table(("method", "path", *visitors), rows),
        ]
    )


MET = "yes"


def statements() -> list[dict[str, Any]]:
    """The statements of docs/asvs.toml: ``number``, ``asvs``, ``level``, ``says``, ``tests``; where it is not wholly
    met ``met`` ("partly", "not yet"), and a ``note``."""
    text = (Path(__file__).parent.parent / "docs" / "asvs.toml").read_text("utf-8")
    return list(tomllib.loads(text)["statement"])


def asvs_page() -> str:
    found = statements()
    count = Counter(each.get("met", MET) for each in found)
    rows = []
    for each in found:
        proofs = ["`" + name.removeprefix("tests/").replace(".py::test_", ": ") + "`" for name in each["tests"]]
        said = each["says"] + (f". {each['note']}" if "note" in each else "")
        met = each.get("met", MET)
        rows.append((str(each["number"]), ", ".join(each["asvs"]), str(each["level"]), said, met, "<br>".join(proofs)))
    return "\n\n".join(
        [
            "# Security statements and their proofs",
            _prose(
                f"""The items of OWASP ASVS 5.0, level 1 and 2, that apply to this product, as {len(found)} statements
                in our own words; and for each the tests that prove it, under `tests/`. Met: {count[MET]}; partly:
                {count["partly"]}; not yet proved or met: {count["not yet"]}. It is the makers' own list, not an
                audit. A test looks whether every test that is named here is there."""
            ),
            _table(("", "ASVS", "level", "statement", "met", "proved by"), rows),
        ]
    )


def payment_states_page() -> str:
    from portal_app.domain.payments import DEFINITE, DISPUTE_EDGES, EDGES, FREEING, HOLDING, REFUND_EDGES

    def kind(state: str) -> str:
        ends = "final, unless proof of success comes late" if state in FREEING else "final"
        return ends if state in DEFINITE else "unfinished"

    rows = [
        (
            state,
            ", ".join(sorted(after)) or "nothing",
            kind(state),
            "held" if state in HOLDING else "freed" if state in FREEING else "paid",
        )
        for state, after in EDGES.items()
    ]
    return "\n\n".join(
        [
            "# Payment states",
            _prose(
                """What may follow what, from the table that the program itself obeys. “Unknown” is never “failed”:
                only declined, canceled and not_submitted free the amount that a payment holds of its invoices."""
            ),
            _table(("state", "may become", "kind", "its amount"), rows),
            _diagram(EDGES, "ready"),
            "## Refunds",
            _prose(
                """A refund reserves its amount until it is declined or known not to have been sent. One that arrived
                can still come back from the payer's bank; then its journal entry is reversed."""
            ),
            _diagram(REFUND_EDGES, "ready"),
            "## Disputes",
            _prose(
                """An inquiry moves no money. An open dispute is money that the bank has taken until it is decided; one
                that is lost opens the invoices again."""
            ),
            _diagram(DISPUTE_EDGES, "inquiry", "open"),
        ]
    )


def _diagram(edges: Mapping[str, Collection[str]], *first: str) -> str:
    """A table of states, drawn."""
    lines = [f"    [*] --> {state}" for state in first]
    lines += [f"    {state} --> {after}" for state, afters in edges.items() for after in sorted(afters)]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```"


def hooks_page() -> str:
    from portal_app import hookspecs

    parts = ["# Hooks", _marked(inspect.getdoc(hookspecs))]
    for name, hook in vars(hookspecs).items():
        if inspect.isfunction(hook) and hook.__module__ == hookspecs.__name__:
            signature = str(inspect.signature(hook)).replace("'", "")
            parts += [f"## {name}", f"```python\n{name}{signature}\n```", _marked(inspect.getdoc(hook))]
    return "\n\n".join(parts)


def kit_page() -> str:
    from portal_app.testing import KIT_VERSION
    from portal_app.testing.kit import GROUPS, checks_of
    from portal_app.testing.wire import Wire

    parts = [
        "# The conformance kit",
        _prose(
            f"""Version {KIT_VERSION}. Every check of `portal_app.testing`, by its name, and what it demands; then the
            controls that a fake of the gateway's wire may offer. [Writing a gateway](../writing-a-gateway.md) shows
            how they are used."""
        ),
    ]
    for group in GROUPS:
        rows = [
            (name.removeprefix("test_").replace("_", " "), _marked(_prose(says))) for name, says in checks_of(group)
        ]
        title = (inspect.getdoc(sys.modules[group.__module__]) or "").partition("\n\n")[0]
        parts += [f"## {_prose(title).rstrip('.')}", _table(("check", "what it demands"), rows)]
    controls = [(name, item) for name, item in vars(Wire).items() if inspect.isfunction(item)]
    rows = [(f"`{name}`", _marked(_prose(inspect.getdoc(item) or ""))) for name, item in controls]
    parts += ["## The wire", _marked(_prose(inspect.getdoc(Wire) or "")), _table(("control", "what it does"), rows)]
    return "\n\n".join(parts)


def _marked(text: str | None) -> str:
    return (text or "").replace("``", "`")


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "routes.md": routes_page,
    "roles.md": roles_page,
    "access.md": access_page,
    "asvs.md": asvs_page,
    "recipes.md": recipes_page,
    "payment-states.md": payment_states_page,
    "hooks.md": hooks_page,
    "kit.md": kit_page,
}


def page(name: str) -> str:
    """The whole text of one page."""
    return f"{NOTE}\n\n{PAGES[name]()}\n"


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (folder / name).write_text(page(name), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
