"""A live systemd user manager, in namespaces of its own, looking after a small real server: the life of a unit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_log_agent.llm.thread_sweep import free_port

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = Path("/lib/systemd/systemd")

# The manager wants a booted systemd's directory below /run, which is the namespace's own here.
MANAGER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR" || exit 77
/lib/systemd/systemd --user >/dev/null 2>&1 &
for _ in $(seq 100); do [ "$(systemctl --user is-system-running)" = running ] && break; sleep 0.1; done
[ "$(systemctl --user is-system-running)" = running ] || exit 77
exec "$@"
"""
LIFE = """
import json, os, signal, subprocess, sys, time
from tests.module_door import run_module

service = json.loads(sys.argv[1])
told = {"predicted": run_module("local_service", service, check=True), "first": run_module("local_service", service)}
told["second"] = run_module("local_service", service)
os.kill(told["first"]["pid"], signal.SIGKILL)
for _ in range(100):
    told["killed"] = run_module("local_service", service)
    if told["killed"]["pid"] not in (0, told["first"]["pid"]):
        break
    time.sleep(0.1)
subprocess.run(["systemctl", "--user", "stop", service["name"]], check=True)
told["stopped"] = run_module("local_service", service)
told["absent"] = run_module("local_service", {**service, "state": "absent"})
listing = ["systemctl", "--user", "list-units", "--no-legend", service["name"] + "*"]
told["units"] = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
print(json.dumps(told))
"""


def test_a_unit_is_started_kept_mended_and_removed(tmp_path: Path) -> None:
    if os.geteuid() or not SYSTEMD.exists() or not shutil.which("unshare"):
        pytest.skip("needs root, systemd and unshare: the user manager runs in namespaces of its own")
    port = free_port()
    service = {
        "name": "sample",
        "command": [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        "directory": str(tmp_path),
        "run_dir": str(tmp_path / "run"),
        "port": port,
        "ready_url": f"http://127.0.0.1:{port}/",
        "supervisor": "auto",
    }
    own = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/0", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", MANAGER, "sh"]

    done = subprocess.run(
        [*namespaces, sys.executable, "-c", LIFE, json.dumps(service)],
        cwd=ROOT,
        env={**os.environ, **own, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}:{ROOT / '.ansible/collections'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode == 77:
        pytest.skip("no systemd user manager can be started on this machine")

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["first"]["supervisor"] == "systemd"
    assert told["predicted"]["actions"] == told["first"]["actions"]
    assert not told["second"]["changed"]
    assert not told["killed"]["changed"] and told["killed"]["pid"] not in (0, told["first"]["pid"])
    assert told["stopped"]["actions"] == ["start"]
    assert told["absent"]["changed"] and "sample" not in told["units"]
