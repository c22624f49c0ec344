import ssl

import pytest

from exporter.exposition.security import WebConfigError
from exporter.exposition.tls import server_context
from exporter.exposition.web_config import TlsFiles
from tests.certificates import issue, make_authority, private_pem

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path)


@pytest.fixture
def files(tmp_path, authority):
    pair = issue(tmp_path, "server", authority)
    return TlsFiles(pair.cert_file, pair.key_file, None, TLS12)


def problem(files: TlsFiles) -> str:
    with pytest.raises(WebConfigError) as caught:
        server_context(files)
    return str(caught.value)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_what_the_files_say_is_in_force(files, version):
    """The oldest TLS that is spoken; and nobody has to show a certificate."""
    context = server_context(TlsFiles(files.cert_file, files.key_file, None, version))

    assert context.minimum_version == version
    assert context.verify_mode == ssl.CERT_NONE


def test_client_certificates(files, authority):
    """With an authority for them, everybody has to show one."""
    context = server_context(TlsFiles(files.cert_file, files.key_file, authority.cert_file, TLS12))

    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("missing", ["cert_file", "key_file"])
def test_a_file_that_cannot_be_read_is_named(files, missing):
    """With the reason."""
    file = getattr(files, missing)
    file.unlink()

    assert problem(files) == f"{file}: cannot be read: No such file or directory"


def test_an_authority_that_is_none_is_named(files, tmp_path):
    """A client certificate could not be verified with it."""
    for content in (b"", b"no certificate"):
        (tmp_path / "ca.crt").write_bytes(content)
        found = TlsFiles(files.cert_file, files.key_file, tmp_path / "ca.crt", TLS12)
        assert problem(found) == f"{tmp_path / 'ca.crt'}: holds no certificate in PEM"


def test_a_key_of_another_certificate(files, tmp_path, authority):
    """Both are named."""
    other = issue(tmp_path, "other", authority)

    said = problem(TlsFiles(files.cert_file, other.key_file, None, TLS12))

    assert said == f"{other.key_file}: is not the key of {files.cert_file}"


def test_an_encrypted_key_is_refused(files, tmp_path, authority):
    """Nobody is there to type its password, so none is asked for."""
    pair = issue(tmp_path, "server", authority)
    pair.key_file.write_bytes(private_pem(pair.key, b"s3cret"))

    assert "unencrypted" in problem(files)


@pytest.mark.parametrize("wrong", ["cert_file", "key_file"])
def test_what_is_no_certificate_or_key(files, wrong):
    """Nothing of what is in the file is quoted."""
    getattr(files, wrong).write_bytes(b"s3cret")

    assert problem(files) == (
        f"{files.cert_file}, {files.key_file}: not a certificate and its key, unencrypted, in PEM"
    )
