"""A portal user's own access log."""

from __future__ import annotations

from flask import Response

from portal_app.client.blueprint import blueprint
from portal_app.domain import access_log
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user


@blueprint.get("/access")
@client_only
def access() -> Response:
    """Who opened, downloaded, shared or took back what is shared with the person who asks."""
    return render("client/access.html", rows=access_log.of(portal_user()), most=access_log.MOST)
