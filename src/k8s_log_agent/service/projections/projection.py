"""What an outbox delivers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from k8s_log_agent.service.outbox import Delivery, Target


class UndeliveredError(RuntimeError):
    """The other side could not take it now; it is tried again later."""


class Projection(Protocol):
    """One place that incidents are told to. Taking the same delivery twice has to equal taking it once."""

    @property
    def target(self) -> Target:
        """Which deliveries are for it."""
        ...

    def deliver(self, deliveries: Sequence[Delivery]) -> int:
        """Takes them in their order; returns how many were refused for good. Raises `UndeliveredError`."""
        ...
