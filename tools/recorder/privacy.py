"""Keeps the recording machine out of the recordings.

Programs run below neutral paths and host names anyway; what still names the machine (the interpreter's prefix, the
checkout, the kernel's release) is replaced by a fixed neutral text, and counted. A last look refuses a recording in
which a forbidden text is left.
"""

from __future__ import annotations

import contextlib
import platform
import re
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# Patterns that betray any developer's machine; a recording that matches one is not kept.
FORBIDDEN = re.compile(
    r"/root/|\.?pyenv|/home/(?!app\b|node\b)\w|/builds/|/Users/"
    r"|\b(?:artifactory|nexus|devpi|verdaccio)\b|\.internal:\d|(?:index|registry)-?(?:url|mirror)",
    re.IGNORECASE,
)


_OWN = re.compile("|".join(re.escape(text) for text in (str(CHECKOUT), platform.release())))


class PrivateTextError(ValueError):
    """A recording holds a text that names the machine it was made on."""


def machine_texts() -> dict[str, str]:
    """What this machine would give away, and the neutral text for it."""
    texts = {
        str(CHECKOUT / ".venv"): "/opt/venv",
        str(CHECKOUT): "/opt/k8s-log-agent",
        sys.prefix: "/opt/venv",
        sys.base_prefix: "/usr/local",
        str(Path.home()): "/home/app",
        platform.release(): "6.1.0-generic",
        platform.version(): "#1 SMP PREEMPT_DYNAMIC",
        _kernel_banner(): "Linux version 6.1.0-generic",
    }
    return {private: neutral for private, neutral in texts.items() if len(private) > 4 and private != neutral}


def _kernel_banner() -> str:
    """What /proc/version says, with who built the kernel and how; MariaDB prints it when it crashes."""
    with contextlib.suppress(OSError):
        return Path("/proc/version").read_text(encoding="utf-8").strip()
    return ""


class Rewriter:
    """Replaces texts, the longest first, so that the same input always gives the same output."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.counts: Counter[str] = Counter()
        self._texts = dict(texts)
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if texts else None

    def __call__(self, text: str) -> str:
        """The text with every private one replaced and counted."""
        return self._pattern.sub(self._replace, text) if self._pattern else text

    def _replace(self, match: re.Match[str]) -> str:
        neutral = self._texts[match.group()]
        self.counts[neutral] += 1
        return neutral


def refuse_private(text: str, place: str) -> None:
    """Raises `PrivateTextError` when `text` names the machine. Host names under four letters are no evidence."""
    host = socket.gethostname()
    found = FORBIDDEN.search(text) or _OWN.search(text)
    if found is None and len(host) > 3 and host not in ("localhost", "node-2"):
        found = re.search(rf"\b{re.escape(host)}\b", text)
    if found:
        around = text[max(0, found.start() - 40) : found.end() + 40]
        raise PrivateTextError(
            f"{place} names this machine: …{around}… Run the program below a neutral path or add a replacement to "
            "tools/recorder/privacy.py, then record it again."
        )
