"""For WSGI servers: ``gunicorn wsgi:app``. Settings come from the environment and ``portal.toml``."""

from portal_app import create_app

app = create_app()
