# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of one test run, and the receiver's certificate."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The files: what clients trust, and what the receiver serves with."""

    authority: Path
    certificate: Path
    key: Path


def make_tls(directory: Path) -> Tls:
    """Write an authority and a certificate for 127.0.0.1 that it has signed."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    authority_name = _name("Playhook tests")
    authority = _builder(authority_name, authority_name, authority_key)
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    authority = authority.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
    )
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = _builder(_name("127.0.0.1"), authority_name, key)
    certificate = certificate.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = certificate.add_extension(issuer, critical=False)
    files = Tls(authority=directory / "ca.pem", certificate=directory / "tls.pem", key=directory / "tls.key")
    files.authority.write_bytes(authority.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    files.certificate.write_bytes(certificate.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(days=1),
    )
