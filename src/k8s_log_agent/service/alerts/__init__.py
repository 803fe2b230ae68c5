"""Alerts that come in from Alertmanager and become jobs, and messages about incidents that go out."""

from k8s_log_agent.service.alerts.intake import AlertIntake
from k8s_log_agent.service.alerts.notifications import Notifier
from k8s_log_agent.service.alerts.timing import Timing

__all__ = ["AlertIntake", "Notifier", "Timing"]
