"""What a backup can fail with."""

from __future__ import annotations


class BackupError(Exception):
    """What was tried, why it failed, and the next step. Never holds a secret."""
