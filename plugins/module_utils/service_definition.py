"""What a supervised process of this machine is started with, and the form that each supervisor reads.

The fingerprint of a definition travels in the environment of the process, so whether a running process is the wanted
one is read from the process itself and never from a note that could be out of date.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass, field
from typing import Any

NAME_VARIABLE = "LOCAL_SERVICE_NAME"
RUN_DIR_VARIABLE = "LOCAL_SERVICE_RUN_DIR"
FINGERPRINT_VARIABLE = "LOCAL_SERVICE_FINGERPRINT"


class UnusableDefinitionError(ValueError):
    """A value cannot be written in the form that the supervisor reads."""


@dataclass(frozen=True)
class ServiceDefinition:
    """One process. `inputs` is whatever else a restart depends on, such as a configuration and a model's hash."""

    name: str
    command: tuple[str, ...]
    directory: str
    run_dir: str
    log_file: str
    environment: dict[str, str] = field(default_factory=dict)
    inputs: Any = None
    log_max_bytes: int = 10_000_000
    log_backups: int = 3
    stop_seconds: int = 20

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that the running process depends on."""
        material = [self.command, self.directory, self.environment, self.inputs]
        return hashlib.sha256(json.dumps(material, sort_keys=True).encode()).hexdigest()

    @property
    def full_environment(self) -> dict[str, str]:
        """The environment with the three variables by which the process is known again."""
        return {
            **self.environment,
            NAME_VARIABLE: self.name,
            RUN_DIR_VARIABLE: self.run_dir,
            FINGERPRINT_VARIABLE: self.fingerprint,
        }

    def as_supervisord_program(self) -> str:
        """The section that supervisord includes."""
        pairs = ",".join(f'{name}="{_plain(value)}"' for name, value in sorted(self.full_environment.items()))
        settings = {
            "command": shlex.join(self.command),
            "directory": self.directory,
            "environment": pairs,
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "3",
            "stopsignal": "TERM",
            "stopwaitsecs": str(self.stop_seconds),
            "stopasgroup": "true",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self.log_file,
            "stdout_logfile_maxbytes": str(self.log_max_bytes),
            "stdout_logfile_backups": str(self.log_backups),
        }
        lines = [f"{key}={value.replace('%', '%%')}" for key, value in settings.items()]
        return "\n".join([f"[program:{self.name}]", *lines, ""])

    def as_systemd_unit(self) -> str:
        """The user unit; its output goes to the journal, which rotates itself."""
        environment = [f"Environment={_quoted(f'{k}={v}')}" for k, v in sorted(self.full_environment.items())]
        return "\n".join(
            [
                "[Unit]",
                f"Description={self.name} of the log-intelligence platform",
                "StartLimitIntervalSec=60",
                "StartLimitBurst=5",
                "",
                "[Service]",
                "Type=exec",
                "ExecStart=" + " ".join(_quoted(word).replace("$", "$$") for word in self.command),
                f"WorkingDirectory={self.directory.replace('%', '%%')}",
                *environment,
                "Restart=always",
                "RestartSec=1",
                f"TimeoutStopSec={self.stop_seconds}",
                "",
            ]
        )


def _plain(value: str) -> str:
    if '"' in value or "\n" in value:
        raise UnusableDefinitionError(f"the environment value {value!r} holds a quotation mark or a line break")
    return value


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'
