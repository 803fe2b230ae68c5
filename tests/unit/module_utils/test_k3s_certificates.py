"""The end of a certificate's validity, read without a library for it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_certificates
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"k3s-server-ca@{number}" * 3) for number in range(3)])
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(ends: datetime) -> str:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key())
    builder = (
        builder.serial_number(x509.random_serial_number()).not_valid_before(datetime(2020, 1, 1)).not_valid_after(ends)
    )
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode("ascii")


@settings(max_examples=25, deadline=None)
@given(st.datetimes(min_value=datetime(2021, 1, 1), max_value=datetime(2400, 1, 1)))
def test_the_end_is_read_in_both_forms_of_time(ends: datetime) -> None:
    assert k3s_certificates.expiry(certificate(ends)) == ends.replace(microsecond=0, tzinfo=UTC)


def test_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    (tmp_path / "client.crt").write_text(certificate(datetime(2027, 1, 1)) + certificate(datetime(2036, 1, 1)))
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "peer.crt").write_text(certificate(datetime(2028, 1, 1)))
    (tmp_path / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")

    found = k3s_certificates.expiries(tmp_path)

    assert found == {"client.crt": datetime(2027, 1, 1, tzinfo=UTC), "etcd/peer.crt": datetime(2028, 1, 1, tzinfo=UTC)}


@settings(max_examples=50, deadline=None)
@given(st.integers(min_value=0, max_value=400))
def test_a_certificate_that_is_cut_short_is_an_error_and_nothing_worse(length: int) -> None:
    der = ssl.PEM_cert_to_DER_cert(certificate(datetime(2027, 1, 1)))[:length]

    with pytest.raises(k3s_certificates.CertificateError):
        k3s_certificates.expiry(ssl.DER_cert_to_PEM_cert(der))
