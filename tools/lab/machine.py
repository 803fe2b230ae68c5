"""One virtual machine: start, wait, run, reboot, stop, kill, pull a disk."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.lab import accelerator as accelerators
from tools.lab import process, qmp, tap
from tools.lab.command import Place, command_line, tap_name
from tools.lab.disks import make_disk, root_layer, write_private
from tools.lab.errors import BootError, LabError
from tools.lab.keys import key_pair, known_host
from tools.lab.programs import need
from tools.lab.seed import seed
from tools.lab.settings import Disk, Image, MachineSettings
from tools.lab.ssh import Login, free_port, port_taken

BOOT_SECONDS = 600  # software emulation on a busy machine; an idle one needs a tenth of it
STOP_SECONDS = 90
UNPLUG_SECONDS = 60
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()].|[=>c])|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Machine:
    """A machine in a folder of its own. Nothing runs before `start`; what runs outlives this object."""

    settings: MachineSettings
    folder: Path
    images: Path  # where images are kept; shared by all machines
    person: Path  # the private key to log in with; made when missing
    image: Image = field(default_factory=Image)
    accelerator: str = "auto"
    peers: Mapping[str, str] = field(default_factory=dict)  # names of other machines, for /etc/hosts

    @property
    def place(self) -> Place:
        """The machine's folder and its files."""
        return Place(self.folder.resolve())

    @property
    def is_running(self) -> bool:
        """Whether QEMU runs for this machine."""
        return process.running(self.place.pid) is not None

    @property
    def ssh_port(self) -> int:
        """The port that leads to the machine's SSH server: as asked for, or as taken when it was last started."""
        return self.settings.ssh_port or int(self._state().get("ssh_port", 0))

    @property
    def login(self) -> Login:
        """How to log in."""
        return Login(self.ssh_port, self.person, self.place.known_hosts)

    @property
    def is_as_asked(self) -> bool:
        """Whether the running machine was started with the present settings."""
        return bool(self._state().get("settings") == repr(self.settings))

    def with_disks(self, *disks: Disk) -> Machine:
        """Return this machine with other disks, or the same in another order; it takes them at its next start."""
        return replace(self, settings=self.settings.with_disks(*disks))

    def start(self) -> bool:
        """Start the machine; return False when it runs already. Does not wait until it has booted."""
        if self.is_running:
            return False
        need("qemu-system-x86_64", "qemu-img", "ssh", "ssh-keygen")
        place, network = self.place, self.settings.network
        port = self.settings.ssh_port or free_port()
        if port_taken(port):
            raise LabError(
                f"{self.settings.name} cannot be started: something listens on port {port} of 127.0.0.1 already. "
                f"`ss -ltnp 'sport = :{port}'` shows what; end it or give the machine another ssh_port."
            )
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        boot = root_layer(place, self.image, self.images.resolve())
        self._write_seed(port)
        for disk in self.settings.disks:
            make_disk(place.disk(disk.serial), disk.size)
        if network and network.bridge:
            tap.connect(tap_name(place), network.bridge)
        self._launch(command_line(self.settings, place, boot, accelerators.choose(self.accelerator), port), port)
        return True

    def wait(self, seconds: float = BOOT_SECONDS) -> float:
        """Wait until one can log in; return how long that took. BootError when it dies or needs more than `seconds`."""
        started = time.monotonic()
        while not (self.login.answers() and self._lets_in()):
            if not self.is_running:
                raise BootError(self._trouble("stopped while it booted"))
            if time.monotonic() - started > seconds:
                raise BootError(self._trouble(f"cannot be logged in to after {seconds:.0f} s"))
            time.sleep(0.5)
        return time.monotonic() - started

    def run(
        self, command: str, *, user: str = "root", check: bool = True, stdin: str = "", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the machine; see Login.run."""
        return self.login.run(command, user=user, check=check, stdin=stdin, timeout=timeout)

    def copy(self, source: Path, target: str, timeout: float = 300) -> None:
        """Copy a file or a folder with its contents to the path `target` in the machine, as root."""
        words = ["tar", "-C", str(source.parent), "--owner=0", "--group=0", "-cf", "-", source.name]
        unpack = f"mkdir -p '{target}.part' && tar -C '{target}.part' --no-same-owner -xf - && "
        unpack += f"rm -rf '{target}' && mv '{target}.part/{source.name}' '{target}' && rmdir '{target}.part'"
        with subprocess.Popen(words, stdout=subprocess.PIPE) as archive:
            subprocess.run(
                self.login.command("--", unpack), check=True, stdin=archive.stdout, capture_output=True, timeout=timeout
            )

    def reboot(self, seconds: float = BOOT_SECONDS) -> float:
        """Reboot from inside and wait; return how long it took."""
        started, before = time.monotonic(), self.boot_id()
        self.run("systemctl reboot", check=False)
        while time.monotonic() - started < seconds:
            self.wait(max(seconds - (time.monotonic() - started), 1))
            try:
                if self.boot_id() != before:
                    return time.monotonic() - started
            except subprocess.SubprocessError:
                pass  # the old system closed the connection
            time.sleep(0.5)
        raise BootError(self._trouble(f"did not reboot within {seconds:.0f} s"))

    def boot_id(self) -> str:
        """Return what differs from boot to boot."""
        return self.run("cat /proc/sys/kernel/random/boot_id", timeout=60).stdout.strip()

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Press the power button, then end QEMU when that did not help; return False when it was not running."""
        if not self.is_running:
            tap.remove(tap_name(self.place))
            return False
        try:
            qmp.ask(self.place.folder, "system_powerdown")
            done = process.wait_for_end(self.place.pid, seconds)
        except (OSError, ValueError, LabError):
            done = False
        if not done and not process.end(self.place.pid, signal.SIGTERM, 15):
            self.kill()
        tap.remove(tap_name(self.place))
        return True

    def kill(self) -> None:
        """End the machine as a power cut does: at once, and what it had not written is lost."""
        process.end(self.place.pid, signal.SIGKILL, 15)
        tap.remove(tap_name(self.place))

    def unplug(self, serial: str, seconds: float = UNPLUG_SECONDS) -> None:
        """Pull a disk out of the running machine."""
        device = f"disk-{serial}"
        qmp.ask(self.place.folder, "device_del", {"id": device})
        deadline = time.monotonic() + seconds
        while f"'{device}'" in str(qmp.ask(self.place.folder, "qom-list", {"path": "/machine/peripheral"})):
            if time.monotonic() > deadline:
                raise LabError(f"{self.settings.name} did not let go of the disk {serial} within {seconds:.0f} s.")
            time.sleep(0.5)

    def erase(self) -> bool:
        """Remove the machine with all of its disks; return False when there was none."""
        if self.is_running:
            raise LabError(f"{self.settings.name} is running; stop it before its disks are removed.")
        existed = self.place.folder.exists()
        shutil.rmtree(self.place.folder, ignore_errors=True)
        return existed

    def console(self, lines: int = 12) -> str:
        """Return the last lines of the serial console, without control characters."""
        try:
            text = self.place.console.read_text(encoding="utf-8", errors="replace")[-20000:]
        except OSError:
            return ""
        return "\n".join([line for line in CONTROL.sub("", text).splitlines() if line.strip()][-lines:])

    def _state(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.place.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def _write_seed(self, port: int) -> None:
        name, place = self.settings.name, self.place
        host, person = key_pair(place.host_key, name), key_pair(self.person, "lab")
        address = self.settings.network.address if self.settings.network else None
        place.known_hosts.write_text(known_host(port, host), encoding="utf-8")
        write_private(place.seed, seed(name, address, person, host, self.peers))

    def _launch(self, command: list[str], port: int) -> None:
        place = self.place
        state = {"settings": repr(self.settings), "ssh_port": port, "command": command}
        place.console.unlink(missing_ok=True)
        place.state.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        with (place.folder / "qemu.log").open("w+", encoding="utf-8") as log:
            result = subprocess.run(
                command, cwd=place.folder, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120
            )
            log.seek(0)
            said = log.read().strip()
        if result.returncode:
            tap.remove(tap_name(place))
            raise BootError(
                f"QEMU did not start {self.settings.name}. It said: {said}. Its command is in {place.state}."
            )

    def _lets_in(self) -> bool:
        try:
            return self.login.run("true", user="lab", check=False, timeout=60).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _trouble(self, what: str) -> str:
        return (
            f"{self.settings.name} {what}. The last lines of its console:\n{self.console()}\n"
            f"All of them are in {self.place.console}; QEMU's own words are in {self.place.folder / 'qemu.log'}."
        )
