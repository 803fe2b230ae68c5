"""One encrypted archive: a tar, compressed, piped through `age`. Plain content never touches the target directory."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from .errors import BackupError

_BLOCK = 1 << 20


def write(members: Mapping[str, Path], target: Path, recipients: Sequence[str]) -> dict[str, str]:
    """Writes files (by their name in the archive) to `target`, mode 0600, readable with a recipient's identity only.

    Returns the sha256 of each file as it went in. Raises `BackupError`.
    """
    digests: dict[str, str] = {}
    program = _age()
    if not recipients:
        raise BackupError(
            "There is nobody to encrypt the backup to. Make a key pair with `age-keygen` and name its public half."
        )
    command = [
        program,
        "--encrypt",
        *(word for one in recipients for word in ("--recipient", one)),
        "--output",
        str(target),
    ]
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # age would make it readable for others
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stdin, stderr = _piped(process.stdin), _piped(process.stderr)
        try:
            with tarfile.open(fileobj=stdin, mode="w|gz") as tar:
                for name, path in sorted(members.items()):
                    _add(tar, name, path, digests)
            stdin.close()
            said = stderr.read().decode(errors="replace")
        except OSError as error:
            process.kill()  # it waits for the rest, and so would we for its last words
            with suppress(OSError):
                stdin.close()
            said = stderr.read().decode(errors="replace") or str(error)
            if error.filename:
                raise BackupError(
                    f"{error.filename} cannot be read: {error.strerror}. Where it went while the backup was made, make "
                    "it again; where not, look at its disk."
                ) from error
        if process.wait():
            raise BackupError(
                f"The backup could not be written to {target}: {said.strip()}. See how much room is left there."
            )
    return digests


def _add(tar: tarfile.TarFile, name: str, path: Path, digests: dict[str, str]) -> None:
    member = tar.gettarinfo(path, name)
    if not member.isfile():
        tar.addfile(member)
        return
    with path.open("rb") as file:
        hashing = _HashingReader(file)
        tar.addfile(member, hashing)  # reads as many bytes as the file had when it was looked at
    digests[name] = hashing.digest.hexdigest()


class _HashingReader(io.RawIOBase):
    """Reads a file and keeps the hash of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self._file.read(size)
        self.digest.update(block)
        return block


@contextmanager
def opened(path: Path, identity: Path) -> Iterator[tarfile.TarFile]:
    """The archive as a stream of members, decrypted with the file `identity`. Raises `BackupError`."""
    command = [_age(), "--decrypt", "--identity", str(identity), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stdout, stderr = _piped(process.stdout), _piped(process.stderr)
        try:
            with tarfile.open(fileobj=stdout, mode="r|gz") as tar:
                yield tar
            _drain(stdout)
        except (tarfile.TarError, EOFError, OSError) as error:
            process.kill()
            said = stderr.read().decode(errors="replace").strip() or str(error)
            raise BackupError(
                f"{path} cannot be opened: {said.splitlines()[0] if said else error}. Use the identity that belongs to "
                "the recipient it was made for, or an older backup."
            ) from error
        if process.wait():
            said = stderr.read().decode(errors="replace").strip()
            raise BackupError(
                f"{path} cannot be opened: {said.splitlines()[0] if said else 'age failed'}. Use an older backup."
            )


def unpack(path: Path, identity: Path, into: Path) -> dict[str, str]:
    """Unpacks regular files and directories below `into`; returns the sha256 of each file by its name."""
    digests = {}
    with opened(path, identity) as tar:
        for member in tar:
            place = into / _safe(member)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
                continue
            source = tar.extractfile(member)
            if source is None:
                raise BackupError(f"{path} holds {member.name}, which is no file. It was not made here; do not use it.")
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as out:
                digests[member.name] = _copy(source, out)
                _own(out.fileno(), member)
    return digests


def _own(file: int, member: tarfile.TarInfo) -> None:
    os.fchmod(file, member.mode & 0o777)
    if os.geteuid() == 0:
        os.fchown(file, member.uid, member.gid)


def sha256_of(path: Path) -> str:
    """Of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(_BLOCK), b""):
        digest.update(block)
    return digest.hexdigest()


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for block in iter(lambda: source.read(_BLOCK), b""):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def _drain(stream: IO[bytes]) -> None:
    while stream.read(_BLOCK):
        pass


def _safe(member: tarfile.TarInfo) -> PurePosixPath:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
        raise BackupError(
            f"The archive holds {member.name}, which leads out of it. It was not made here; do not use it."
        )
    return name


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    """A stream of a process that was started with it."""
    if stream is None:
        raise AssertionError("the stream was asked for and is not there")
    return stream


def _age() -> str:
    program = shutil.which("age")
    if program is None:
        raise BackupError("The program age is missing. Install it (Debian, Ubuntu, Fedora: the package age).")
    return program
