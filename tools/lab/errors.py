"""What can go wrong in the lab, in the words of the person who started it."""

from __future__ import annotations


class LabError(Exception):
    """One paragraph: what happened, why, and the next step."""


class MissingProgramError(LabError):
    """A program of the host is not installed."""


class BootError(LabError):
    """A machine did not start, died, or did not answer in time; carries the last lines of its console."""
