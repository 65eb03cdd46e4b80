"""For WSGI servers: ``gunicorn wsgi:app``. Settings come from the environment and ``portal.toml``."""

from portal_app import create_app, starting

with starting():
    app = create_app()

    from portal_app import db
    from portal_app.domain import firms

    if firms.is_founded():
        db.self_test()  # nothing is served on a database that has lost what protects the ledger
        db.db.close()  # a connection does not survive the server's fork
