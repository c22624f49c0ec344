"""Certificates for loopback, made on the spot and good for a day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as objects and as PEM files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: Path
    key_file: Path


def make_authority(folder: Path, name: str = "authority", signer: Pair | None = None) -> Pair:
    """An authority that signs certificates: a root, or an intermediate one of another."""
    return _make(folder, name, signer, is_authority=True)


def issue(folder: Path, name: str, authority: Pair) -> Pair:
    """A certificate for localhost, 127.0.0.1 and ::1, signed by an authority."""
    return _make(folder, name, authority, is_authority=False)


def _make(folder: Path, name: str, authority: Pair | None, *, is_authority: bool) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(a)) for a in ADDRESSES)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signing_key = authority.key if authority else key
    for extension in _key_identifiers(key, signing_key):
        builder = builder.add_extension(extension, critical=False)
    builder = builder.add_extension(_key_usage(is_authority=is_authority), critical=True)
    certificate = builder.sign(signing_key, hashes.SHA256())
    pair = Pair(certificate, key, folder / f"{name}.crt", folder / f"{name}.key")
    pair.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key_file.write_bytes(private_pem(key))
    return pair


ADDRESSES = ("127.0.0.1", "::1")


def _key_identifiers(
    key: ec.EllipticCurvePrivateKey, signing_key: ec.EllipticCurvePrivateKey
) -> tuple[x509.ExtensionType, ...]:
    """Which key is whose: who verifies strictly, as Python does since 3.13, insists on it."""
    return (
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    """An authority signs certificates and revocations, a server or client its handshakes."""
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def private_pem(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    """A key in PEM, encrypted where a password is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)
