"""The name server as the scripts start and ask it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from tools.recorder.nameserver import Nameserver
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, write_file

COMPONENT = ("dns", "coredns")


ZONE = """$ORIGIN lab.example.
@ 3600 IN SOA ns.lab.example. admin.lab.example. {serial} 7200 3600 1209600 3600
  3600 IN NS ns
ns IN A 10.43.0.53
shop IN A 10.42.1.20
db IN A 10.42.1.21
www IN CNAME shop
_http._tcp IN SRV 0 5 80 shop
mail IN MX 10 shop
note IN TXT "kept by hand"
"""


COREFILE = """lab.example:{port} {{
    log
    errors
    file /etc/coredns/lab.zone {{
        reload 1s
    }}
}}
.:{port} {{
    log
    errors
    {health}
    cache 5
    forward . {upstream} {{
        max_fails 2
        health_check 500ms
    }}
    {more}
}}
"""


class Names:
    """The name server under one recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(67)  # noqa: S311 -- traffic, not secrets
        self.upstream = Nameserver("127.0.0.9", 53)
        self.upstream.names |= {f"host{number}.example.net": f"10.9.0.{number}" for number in range(40)}

    def pod(self, suffix: str) -> Pod:
        """A pod of the deployment."""
        return self.recording.pod(f"coredns-6799fbcd5-{suffix}", namespace="kube-system", container="coredns")

    def corefile(self, port: int = 1053, upstream: str = "127.0.0.9", more: str = "", health: str = "") -> str:
        """A Corefile with the lab's zone and a forwarder."""
        return COREFILE.format(port=port, upstream=upstream, more=more, health=health)

    def start(self, pod: Pod, text: str) -> RunningProgram:
        """A server with this Corefile."""
        path = write_file("/etc/coredns/Corefile", text)
        return pod.run(["/app/coredns", "-conf", str(path)], cwd="/etc/coredns")

    def started(self, pod: Pod, text: str) -> RunningProgram:
        """A server that answers."""
        program = self.start(pod, text)
        program.wait_for(r"^CoreDNS-\d")
        time.sleep(0.2)
        return program

    def ask(self, names: Sequence[tuple[str, str]], port: int = 1053, wait: int = 1) -> None:
        """Questions of one client, many in a run of dig."""
        if names:
            questions = "".join(f"{name} {kind}\n" for name, kind in names)
            path = write_file("/scratch/questions", questions)
            client("dig", "@127.0.0.1", "-p", str(port), "+tries=1", f"+time={wait}", "-f", str(path), seconds=60)

    def traffic(self, rounds: int, port: int = 1053) -> None:
        """Names that exist, and some that do not."""
        zone = [
            ("shop", "A"),
            ("db", "A"),
            ("www", "A"),
            ("db", "AAAA"),
            ("_http._tcp", "SRV"),
            ("mail", "MX"),
            ("note", "TXT"),
            ("ns", "A"),
            ("nothere", "A"),
        ]
        for _ in range(rounds):
            chosen = [(f"{name}.lab.example", kind) for name, kind in self.dice.choices(zone, k=2)]
            chosen.append((f"host{self.dice.randrange(48)}.example.net", "A"))
            self.ask(chosen, port)
