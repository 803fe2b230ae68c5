"""Reads the end of validity of X.509 certificates with the standard library alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

_SEQUENCE, _UTC_TIME, _VERSION_TAG = 0x30, 0x17, 0xA0
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class CertificateError(ValueError):
    """The bytes are no certificate."""


def expiry(pem: str) -> datetime:
    """The notAfter of the first certificate in `pem`, in UTC."""
    start = pem.find(_BEGIN)
    end = pem.find(_END, start)
    if start < 0 or end < 0:
        raise CertificateError("no certificate in PEM form")
    try:
        return _not_after(ssl.PEM_cert_to_DER_cert(pem[start : end + len(_END)]))
    except (IndexError, ValueError, StopIteration) as error:
        raise CertificateError(f"a certificate that cannot be read: {error or 'it ends too early'}") from error


def expiries(directory: Path) -> dict[str, datetime]:
    """By file name, for every certificate directly in `directory` and its folder ``etcd``.

    Unreadable ones are left out.
    """
    found = {}
    for path in sorted([*directory.glob("*.crt"), *directory.glob("etcd/*.crt")]):
        try:
            found[str(path.relative_to(directory))] = expiry(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return found


def _not_after(der: bytes) -> datetime:
    certificate = next(_values(der))[1]
    fields = list(_values(next(_values(certificate))[1]))
    if fields[0][0] == _VERSION_TAG:
        fields = fields[1:]
    validity = fields[3]  # after serial number, signature algorithm and issuer
    if validity[0] != _SEQUENCE:
        raise CertificateError("no validity where RFC 5280 puts it")
    tag, text = list(_values(validity[1]))[1]
    layout = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode("ascii"), layout).replace(tzinfo=timezone.utc)  # noqa: UP017 - Python 3.9


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and content of each DER value that lies in `data`, one after the other."""
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[start : start + size], "big")
            start += size
        if start + length > len(data):
            raise CertificateError("the bytes end too early")
        yield tag, data[start : start + length]
        at = start + length
