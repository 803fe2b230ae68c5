from __future__ import annotations

import socket
from pathlib import Path

from ansible_collections.homelab.log_intelligence.plugins.module_utils import requirements
from ansible_collections.homelab.log_intelligence.plugins.module_utils.processes import PortHolder

MIB = 1 << 20


def test_memory_of_our_own_services_counts_as_available() -> None:
    assert requirements.check_memory(needed=100 * MIB, available=60 * MIB, own=50 * MIB).ok
    assert not requirements.check_memory(needed=100 * MIB, available=60 * MIB, own=0).ok


def test_a_foreign_port_holder_is_named_and_our_own_is_fine() -> None:
    holder = PortHolder(42, "/usr/bin/other --listen", {})

    foreign = requirements.check_port(18080, "llama_cpp_local_port", holder, own=False)

    assert not foreign.ok
    assert "/usr/bin/other --listen (process 42)" in foreign.found
    assert "llama_cpp_local_port" in foreign.mend
    assert requirements.check_port(18080, "llama_cpp_local_port", holder, own=True).ok


def test_every_requirement_is_looked_at_in_one_go(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a directory")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        checks = requirements.examine(
            {
                "memory_bytes": 1 << 60,
                "disks": [{"path": str(tmp_path / "not" / "yet"), "free_bytes": 1 << 60}],
                "ports": [{"port": port, "service": "x", "variable": "x_port"}],
                "python_minimum": "99.0",
                "architectures": ["pdp11"],
                "writable": [str(tmp_path / "file" / "state")],
                "run_dir": str(tmp_path),
            }
        )

    failed = [check.subject for check in checks if not check.ok]
    assert failed == [
        "architecture",
        "Python",
        "memory",
        f"disk at {tmp_path / 'not' / 'yet'}",
        f"port {port}",
        f"access to {tmp_path / 'file' / 'state'}",
    ]
    assert all(check.mend for check in checks)


def test_the_table_puts_the_mend_below_each_problem() -> None:
    checks = [
        requirements.check_python("3.11", (3, 12, 1)),
        requirements.check_disk("/srv", needed=2 * MIB, free=MIB),
    ]

    lines = requirements.as_table(checks).splitlines()

    assert lines[1].startswith("ok ")
    assert lines[2].startswith("NOT")
    assert "free 1 MiB there" in lines[3]
