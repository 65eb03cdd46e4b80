"""The house rules as tests: storeys, sizes, no floats, no template that nobody draws."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PORTAL = ROOT / "portal_app"
PLUGINS = ROOT / "plugins"

# From the ground up; a module imports only lower storeys, or its own where they stand in one line here.
STOREYS = [
    ("money", "clock", "chain", "tables", "plugin_api", "config"),
    ("vault",),
    ("db",),
    ("schema", "hookspecs", "prepared"),
    ("domain",),
    ("plugins", "wire", "outbound"),
    ("gateway_setup", "gateway_answers"),
    ("gateways",),
    ("web",),
    ("page_check",),
    ("firm", "client", "worker"),
    ("",),
    ("inventory",),
    ("founding", "verify", "doctor", "backups", "bench", "demo", "reference", "serving", "cli", "testing"),
]
NOUNS = (
    "errors once passwords clamd policy_reports store outbox firms people audit clients throttles devices sessions "
    "invitations mail access policy passkeys factors sign_ins readers matters sharing calendar documents "
    "shared_files utbms timekeeping banks ledger trust logos invoices deposits trust_papers payments pay_links "
    "access_log statements reconciliations draws snapshots today reports exports holdings erasing person_files"
).split()
FUNCTION_LINES = 40
FILE_LINES = 400

SOURCES = sorted([*PORTAL.rglob("*.py"), *(p for p in PLUGINS.rglob("*.py") if "tests" not in p.parts)])
OURS = [*SOURCES, *sorted((ROOT / "migrations").glob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def imports_of(path: Path) -> list[str]:
    """Dotted names that a module imports while it runs (not those for the type checker alone)."""
    found = []
    for node in _running(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _running(child)


def storey_of(dotted: str) -> int | None:
    if not (dotted == "portal_app" or dotted.startswith("portal_app.")):
        return None
    parts = dotted.split(".")
    room = parts[1] if len(parts) > 1 else ""
    for number, rooms in enumerate(STOREYS):
        if room in rooms:
            return number
    return next(number for number, rooms in enumerate(STOREYS) if "" in rooms)


def dotted_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", sorted(PORTAL.rglob("*.py")), ids=name_of)
def test_a_module_imports_only_lower_storeys(path: Path) -> None:
    here = dotted_of(path)
    floor = storey_of(here)
    assert floor is not None
    for dotted in imports_of(path):
        there = storey_of(dotted)
        if there is None or dotted.startswith(here):
            continue
        room, other = (name.split(".")[1] if "." in name else "" for name in (here, dotted))
        assert there < floor or room == other or (there == floor and room not in {"firm", "client"}), (
            f"{here} reaches up to {dotted}"
        )


def test_every_room_has_a_storey() -> None:
    rooms = {path.stem if path.is_file() else path.name for path in PORTAL.iterdir() if not path.name.startswith("__")}
    known = {room for rooms in STOREYS for room in rooms}
    assert rooms - {"static", "_templates", "_migrations"} <= known | {"py"}


@pytest.mark.parametrize("path", sorted((PORTAL / "domain").rglob("*.py")), ids=name_of)
def test_the_domain_knows_nothing_of_the_web_and_its_nouns_keep_their_order(path: Path) -> None:
    parts = path.relative_to(PORTAL / "domain").with_suffix("").parts
    own = parts[0]
    for dotted in imports_of(path):
        assert not dotted.startswith(("flask", "werkzeug", "wtforms", "jinja2"))
        match = re.match(r"portal_app\.domain\.(\w+)", dotted)
        if match and own in NOUNS and match[1] in NOUNS:
            assert NOUNS.index(match[1]) <= NOUNS.index(own), f"{own} imports {match[1]}, which comes later"


def test_the_domain_has_no_noun_without_a_place() -> None:
    nouns = {path.stem for path in (PORTAL / "domain").iterdir()} - {"__init__", "__pycache__"}
    assert nouns <= set(NOUNS)


@pytest.mark.parametrize("path", [p for p in SOURCES if PLUGINS in p.parents], ids=name_of)
def test_a_plugin_imports_nothing_of_the_portal_but_its_contract(path: Path) -> None:
    """The fake of its wire, for the kit and the proof, may also import what the kit asks of one."""
    allowed = ["portal_app.plugin_api"] + (["portal_app.testing"] if path.name == "wire.py" else [])
    for dotted in imports_of(path):
        assert not dotted.startswith("portal_app") or dotted.startswith(tuple(allowed))


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_sizes_and_floats(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), f"line {node.lineno}: a float"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", f"line {node.lineno}: float()"


def test_every_template_is_drawn_by_somebody() -> None:
    folder = ROOT / "templates"
    code = "\n".join(path.read_text("utf-8") for path in SOURCES)
    code += "\n".join(path.read_text("utf-8") for path in folder.rglob("*.*"))
    for path in sorted(folder.rglob("*.*")):
        name = str(path.relative_to(folder))
        stem = re.escape(name.rpartition(".")[0])
        assert name in code or re.search(rf"[\"'/]{re.escape(path.stem)}[\"'.]", code), f"nobody draws {name} ({stem})"


TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "email" not in path.parts)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_keeps_the_policy(path: Path) -> None:
    """No inline script or style, no handler attributes, nothing that htmx would have to evaluate."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    if "pdf" not in path.parts:
        assert not re.search(r"<style|\sstyle=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"hx-on|hx-vals|hx-vars|js:|hx-trigger=\"[^\"]*\[", text)
    assert not re.search(r"<button(?![^>]*\stype=)[^>]*>", text), "a button without a type submits"
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_form_works_without_scripts(path: Path) -> None:
    """Every form has a real action; one that posts carries the CSRF field."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    for form in re.finditer(r"<form\b(.*?)>(.*?)</form>", text, flags=re.DOTALL):
        assert "action=" in form[1], f"a form without an action: {form[0][:80]}"
        if 'method="post"' in form[1]:
            assert "csrf()" in form[2], f"a form without csrf(): {form[0][:120]}"


def test_fragments_name_their_own_target() -> None:
    for path in TEMPLATES:
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        for tag in re.finditer(r"<[a-z]+\b[^>]*\bhx-(?:get|post|put|patch|delete)=[^>]*>", text):
            assert "hx-target=" in tag[0], f"{path.name}: {tag[0][:100]}"
            assert "hx-swap=" in tag[0], f"{path.name}: {tag[0][:100]}"


def test_what_is_read_out_is_swapped_inside_a_region_that_stays() -> None:
    """A screen reader announces changes inside a live region; one that is itself put in anew may stay silent."""
    for path in TEMPLATES:
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"\{% block \w+ %\}\s*<(?!main\b)[a-z]+\b[^>]*\baria-live=", text), name_of(path)


def test_an_exception_from_the_checkers_says_why() -> None:
    """After it, on its line."""
    silent = re.compile(r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type: ignore(\[[^]]*\])?)\s*$")
    places = ("portal_app", "plugins", "migrations", "tests")
    for path in [path for place in places for path in (ROOT / place).rglob("*.py")]:
        found = [number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if silent.search(line)]
        assert not found, f"{name_of(path)}, lines {found}: an exception without its reason"


def test_no_vendored_file_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8")
    assert "portal_app/static/vendor" in ignored
