"""Certificates with chosen faults: expired, signed by an unknown authority, issued for another name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority; `file` is its certificate in PEM form."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path


@dataclass(frozen=True)
class Issued:
    """A server's certificate and key, PEM files that every user may read."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str) -> Authority:
    """A new authority, valid for a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), dt.timedelta(days=-1), dt.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name.replace(' ', '-').lower()}.crt"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(name, key, certificate, file)


def issue(signer: Authority, folder: Path, host: str, *, expired_days: int | None = None) -> Issued:
    """A certificate for `host` (and 127.0.0.1 when that is a name); expired since `expired_days` if given."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = dt.timedelta(days=90) if expired_days is None else dt.timedelta(days=-expired_days)
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    certificate = (
        _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
            signer.certificate.subject,
            key.public_key(),
            end - dt.timedelta(days=90),
            end,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    issued = Issued(folder / f"{host}.crt", folder / f"{host}.key")
    issued.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    issued.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    issued.key.chmod(0o644)
    return issued


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    begin: dt.timedelta,
    end: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )
