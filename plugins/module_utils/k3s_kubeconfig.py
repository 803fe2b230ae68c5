"""The kubeconfig of one homelab on the controller, and the identity of the cluster that it belongs to."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


class OtherClusterError(Exception):
    """The kubeconfig belongs to another cluster than the one recorded for this inventory."""


class KubeconfigError(Exception):
    """The text is no kubeconfig of K3s, or the file cannot be written."""


@dataclass(frozen=True)
class Kubeconfig:
    """`text` holds the admin's key: it is never shown."""

    path: Path
    text: str
    cluster_id: str
    server: str

    @property
    def record(self) -> Path:
        """Where the identity stands, beside the kubeconfig."""
        return self.path.with_name(f"{self.path.name}.cluster.json")

    def record_text(self) -> str:
        """What stands there."""
        return json.dumps({"cluster_id": self.cluster_id, "server": self.server}, indent=2, sort_keys=True) + "\n"


def rewritten(text: str, server: str, name: str) -> str:
    """K3s' kubeconfig with the address `server`, and with `name` for its cluster, context and user."""
    changed, count = re.subn(r"(?m)^(\s+server:).*$", rf"\1 {server}", text)
    if count != 1:
        raise KubeconfigError(
            "the file that K3s wrote is no kubeconfig with exactly one cluster; look at /etc/rancher/k3s/k3s.yaml"
        )
    return re.sub(r"(?m)^(\s*(?:- )?(?:name|cluster|user|current-context):) default$", rf"\1 {name}", changed)


def recorded_cluster(wanted: Kubeconfig) -> str | None:
    """The identity that an earlier run recorded; None when there was none."""
    try:
        found = json.loads(wanted.record.read_text(encoding="utf-8"))
        return str(found["cluster_id"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KubeconfigError(
            f"{wanted.record} cannot be read ({error}); remove it to record the cluster anew"
        ) from error


def require_same_cluster(wanted: Kubeconfig) -> None:
    """Raises OtherClusterError when the recorded identity is another one."""
    known = recorded_cluster(wanted)
    if known is not None and known != wanted.cluster_id:
        raise OtherClusterError(
            f"{wanted.server} is the cluster {wanted.cluster_id}, and this inventory belongs to the cluster {known} "
            "(recorded in "
            f"{wanted.record}). Check that the inventory names the right hosts. If the cluster was made anew on "
            "purpose, remove "
            f"{wanted.path} and {wanted.record}, then run the play again"
        )


def differs(path: Path, text: str) -> bool:
    """Whether `path` has another content than `text`, or can be read by others."""
    try:
        return path.read_text(encoding="utf-8") != text or path.stat().st_mode & 0o777 != 0o600
    except FileNotFoundError:
        return True


def write(path: Path, text: str) -> None:
    """Replaces the file whole, readable by its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise KubeconfigError(
            f"{path} cannot be written ({error.strerror}); check the directory and its disk"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
