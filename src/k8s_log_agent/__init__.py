"""The brain of homelab.log_intelligence: reads logs, understands them, and says what went wrong."""

__version__ = "1.0.0"
