"""What clients ask; the firm's own words come first."""

from __future__ import annotations

import re

from flask import Response

from portal_app.client.blueprint import blueprint
from portal_app.web.fragments import render
from portal_app.web.login import client_only
from portal_app.web.templates import current_firm


@blueprint.get("/help")
@client_only
def help_page() -> Response:
    text = current_firm().help_text.replace("\r\n", "\n")
    said = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return render("client/help.html", said=said)
