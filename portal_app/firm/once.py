"""Forms that make something: pressed twice, they make it once, with and without scripts."""

from __future__ import annotations

from wtforms.validators import Regexp

from portal_app.domain.errors import Refused
from portal_app.domain.once import SentAlready
from portal_app.domain.people import new_public_id
from portal_app.web.fields import Hidden
from portal_app.web.forms import Form


class OnceForm(Form):
    """``key`` is made when the form is drawn; draw it with ``form.key(autocomplete="off")``, or a browser that goes
    back may bring an old one."""

    key = Hidden(
        "",
        default=new_public_id,
        validators=[Regexp(r"[\w-]{20,32}\Z", message="Open this page again, then fill it in.")],
    )

    def refuse(self, problem: Refused) -> None:
        super().refuse(problem)
        if isinstance(problem, SentAlready):
            self.key.data = new_public_id()
