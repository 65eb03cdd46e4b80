"""Other people's scanners over this project: ``./dev audit`` and ``./dev scan``."""
