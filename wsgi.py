"""For WSGI servers: ``gunicorn wsgi:app``. Settings come from the environment and ``portal.toml``."""

from portal_app import create_app, db
from portal_app.domain import firms

app = create_app()
if firms.is_founded():
    db.self_test()  # nothing is served on a database that has lost what protects the ledger
    db.db.close()  # a connection does not survive the server's fork
