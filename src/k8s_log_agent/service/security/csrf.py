"""Forms that only this service's own pages can send: a random word that cookie and form have to share.

Nothing is kept on the server, so that any replica can check what another one gave out.
"""

from __future__ import annotations

import hmac
import re
import secrets

from starlette.requests import Request

from k8s_log_agent.service.problems import Problem

COOKIE = "k8s_log_agent_csrf"
_WORD = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def csrf_token(request: Request) -> str:
    """The word for the hidden field `csrf` of a form; the answer to `request` will set the cookie that goes with it."""
    state = request.state
    given: str = getattr(state, "csrf", "") or request.cookies.get(COOKIE, "")
    if not _WORD.match(given):
        given = secrets.token_urlsafe(32)
    state.csrf = given
    return given


def check_csrf(request: Request, given: str) -> None:
    """Raises `Problem` 403 unless the form that was sent is one of ours."""
    kept = request.cookies.get(COOKIE, "")
    if not _WORD.match(kept) or not hmac.compare_digest(kept.encode(), str(given).encode("utf-8", "replace")):
        raise Problem(
            403,
            "The form is too old",
            "The form does not belong to a page of this service that was opened in this browser.",
            "Go back, load the page again and send the form once more; cookies have to be allowed.",
        )
