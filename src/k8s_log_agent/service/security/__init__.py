"""Who may ask the service for what, and what it lets through to a browser."""

from k8s_log_agent.service.security.access import Authority, requires
from k8s_log_agent.service.security.connections import BoundedHttp
from k8s_log_agent.service.security.csrf import check_csrf, csrf_token
from k8s_log_agent.service.security.hardening import harden
from k8s_log_agent.service.security.principals import Principal, Scope

__all__ = ["Authority", "BoundedHttp", "Principal", "Scope", "check_csrf", "csrf_token", "harden", "requires"]
