"""A certificate and its key in two files: whether they serve, and new ones that sign themselves.

Runs on the controller, with the Python package cryptography that ansible-core itself needs.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

PRIVATE = 0o600


class CertificateError(Exception):
    """The files cannot be used; one paragraph with the next step."""


@dataclass(frozen=True)
class Wanted:
    """What a certificate must be for: DNS names and addresses, and for how many days."""

    names: tuple[str, ...]
    valid_days: int
    renew_days: int


@dataclass(frozen=True)
class Found:
    """A certificate as it is. `names` are sorted; `not_after` is UTC; `fingerprint` is SHA-256 in hex."""

    names: tuple[str, ...]
    not_after: datetime.datetime
    fingerprint: str
    fits_key: bool

    def days_left(self, now: datetime.datetime) -> int:
        """Whole days until it ends; negative when it has ended."""
        return (self.not_after - now).days


def read(certificate: Path, key: Path) -> Found:
    """The certificate of `certificate` (the first of a chain) with `key`. Raises CertificateError."""
    from cryptography import x509  # noqa: PLC0415 - wanted only here, on the controller
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above

    try:
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise CertificateError(
            f"{certificate} and {key} cannot be read as a certificate and its key: {error}. Give PEM files, the key "
            "without a passphrase."
        ) from error
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Found(
        names=_names_of(loaded),
        not_after=loaded.not_valid_after_utc,
        fingerprint=loaded.fingerprint(hashes.SHA256()).hex(),
        fits_key=private.public_key().public_bytes(*form) == loaded.public_key().public_bytes(*form),
    )


def why_renew(certificate: Path, key: Path, wanted: Wanted, now: datetime.datetime) -> str:
    """Why a new one is due; empty when the files serve as they are."""
    if not certificate.exists() or not key.exists():
        return "there is none"
    try:
        found = read(certificate, key)
    except CertificateError:
        return "it cannot be read"
    if not found.fits_key:
        return "its key is another"
    if found.names != tuple(sorted(wanted.names)):
        return "it is for other names"
    left = found.days_left(now)
    return f"it ends in {left} days" if left < wanted.renew_days else ""


def why_not(certificate: Path, key: Path, now: datetime.datetime) -> str:
    """Why a given certificate cannot be used; empty when it can. Raises CertificateError."""
    found = read(certificate, key)
    if not found.fits_key:
        return f"{key} is not the key of {certificate}. Give the two files of one certificate."
    if found.not_after <= now:
        return f"{certificate} ended on {found.not_after:%Y-%m-%d}. Put a new one there."
    return ""


def make(certificate: Path, key: Path, wanted: Wanted, now: datetime.datetime) -> None:
    """Writes a new key and a certificate that it signs itself, each 0600 and whole or not at all."""
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415 - as above

    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted.names[0][:64])])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=wanted.valid_days))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in wanted.names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    write_private(key, private.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted))
    write_private(certificate, built.public_bytes(pem))


def write_private(path: Path, content: bytes) -> None:
    """Writes `path` with mode 0600, whole or not at all; its directory is made with 0700."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(content)
    partial.replace(path)


def open_to_others(paths: Sequence[Path]) -> list[Path]:
    """Those of `paths` that exist with a mode other than 0600."""
    return [path for path in paths if path.exists() and path.stat().st_mode & 0o777 != PRIVATE]


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(one) for one in listed.get_values_for_type(x509.IPAddress)]
    return tuple(sorted([*listed.get_values_for_type(x509.DNSName), *addresses]))


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
