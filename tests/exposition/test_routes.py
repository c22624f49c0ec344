from exporter.exposition.request import Request
from exporter.exposition.routes import answer
from tests.exposition.serving import Pages, exposition_of


def test_a_scrape_is_what_was_rendered():
    """The very bytes, header and body, to be sent at once: nothing is made per scrape."""
    site = Pages(exposition_of(1000))

    (piece,) = answer(Request("GET", "/metrics", takes_gzip=True), site)

    assert piece is site.exposition.response


def test_plain_text_comes_in_bounded_pieces():
    """A large fleet's text is never whole in memory, and its length is announced all the same."""
    site = Pages(exposition_of(100_000))

    pieces = list(answer(Request("GET", "/metrics", keep_alive=True), site))

    head, _, begin = pieces[0].partition(b"\r\n\r\n")
    text = b"".join([begin, *pieces[1:]])
    assert text == site.exposition.identity()
    assert f"Content-Length: {len(text)}".encode() in head.split(b"\r\n")
    assert max(map(len, pieces)) < len(text) / 4
    assert all(pieces)


def test_a_small_text_is_one_piece():
    """Header and body are sent at once."""
    assert len(list(answer(Request("GET", "/metrics"), Pages()))) == 1
