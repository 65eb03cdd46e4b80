"""The checks, by what they look after. Each is a method of a class that :class:`portal_app.testing.GatewayKit` is."""
