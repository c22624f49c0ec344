import ssl

import pytest

from tests.certificates import Pair, issue, make_authority


def strict(purpose: ssl.Purpose, pair: Pair, *trusted: Pair) -> ssl.SSLContext:
    """One side of a connection that verifies the other's certificate as Python does since 3.13."""
    context = ssl.create_default_context(purpose)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for authority in trusted:
        context.load_verify_locations(authority.cert_file)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """In memory; raises SSLCertVerificationError where one refuses the other."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(back, there, server_hostname="localhost")
    answers = server.wrap_bio(there, back, server_side=True)
    left = [asks, answers]
    while left:
        side = left.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            left.append(side)


@pytest.mark.parametrize("depth", ["root", "intermediate"])
def test_strict_verification_takes_them(tmp_path, depth):
    """Whatever the tests issue is good for every Python, older ones included."""
    root = make_authority(tmp_path)
    middle = make_authority(tmp_path, "middle", root)
    signer = root if depth == "root" else middle
    server, client = issue(tmp_path, "server", signer), issue(tmp_path, "client", signer)

    shake_hands(
        strict(ssl.Purpose.CLIENT_AUTH, server, root, middle),
        strict(ssl.Purpose.SERVER_AUTH, client, root, middle),
    )
