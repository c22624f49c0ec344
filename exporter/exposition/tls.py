"""From the files of the web config to what TLS connections are made with."""

import ssl

from exporter.exposition.security import WebConfigError
from exporter.exposition.web_config import TlsFiles


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """What the server's side of a handshake needs. Raises WebConfigError, which names the file."""
    for file in files.all:
        try:
            file.read_bytes()
        except OSError as error:
            raise WebConfigError(f"{file}: cannot be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = files.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_certificate(context, files)
    if files.client_ca_file:
        try:
            context.load_verify_locations(files.client_ca_file)
        except ssl.SSLError:
            raise WebConfigError(f"{files.client_ca_file}: holds no certificate in PEM") from None
        context.verify_mode = ssl.CERT_REQUIRED
        # An intermediate authority will do without its root, as it does for other exporters.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _load_certificate(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        # Without a password, OpenSSL would ask for that of an encrypted key at the terminal.
        context.load_cert_chain(files.cert_file, files.key_file, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"{files.key_file}: is not the key of {files.cert_file}"
        else:
            problem = (
                f"{files.cert_file}, {files.key_file}: not a certificate and its key, "
                "unencrypted, in PEM"
            )
        raise WebConfigError(problem) from None
