"""What is raised when a source of log lines cannot be read at all."""

from __future__ import annotations


class SourceError(ValueError):
    """Nothing can be read from where the user pointed; the text says what, why, and the next step."""
