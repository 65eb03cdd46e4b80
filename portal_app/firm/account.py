"""Their own account: the shared pages, on the firm's face."""

from portal_app.firm.blueprint import blueprint
from portal_app.web import account
from portal_app.web.login import firm_only

account.add_routes(blueprint, firm_only("firm.read"))
