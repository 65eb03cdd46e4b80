"""The rules by which addresses become routes, and routes addresses."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import IntegerConverter, ValidationError
from werkzeug.routing import Rule as PlainRule


class RowNumber(IntegerConverter):
    """``<int:…>`` in our routes: no larger than a database can look for, so that a silly number is 404."""

    def to_python(self, value: str) -> int:
        if len(value) > 18:
            raise ValidationError
        return int(super().to_python(value))


class Rule(PlainRule):
    """Compiles what makes its addresses when the first is made. Werkzeug does so at once, twice for each rule, which is
    a tenth of a start. This leans on what it keeps to itself; without it a start is slower, and nothing else."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            made = compile_now(append_unknown).__get__(rule)
            setattr(rule, "_build_unknown" if append_unknown else "_build", made)
            return made(**values)

        return build
