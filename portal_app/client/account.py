"""Their own account: the shared pages, on the clients' face."""

from portal_app.client.blueprint import blueprint
from portal_app.web import account
from portal_app.web.login import client_only

account.add_routes(blueprint, client_only)
