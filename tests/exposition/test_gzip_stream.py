import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.gzip_stream import Block, compress, crc_after, join

texts = st.lists(st.binary(max_size=300), max_size=6)


@given(st.binary(max_size=1000), st.binary(max_size=1000))
def test_crc_of_what_follows(first: bytes, second: bytes) -> None:
    """Combining checksums equals the checksum of the joined text."""
    assert crc_after(zlib.crc32(first), compress(second)) == zlib.crc32(first + second)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_535, 65_536, 1_000_003])
def test_crc_of_long_texts(size: int) -> None:
    """The combination holds for lengths with many and with few bits."""
    text = b"carbon" * (size // 6) + b"c" * (size % 6)
    assert crc_after(zlib.crc32(b"before"), compress(text)) == zlib.crc32(b"before" + text)


@given(texts)
def test_joined_blocks_are_one_stream(blocks: list[bytes]) -> None:
    """Readers that stop after the first gzip member read everything, too."""
    stream = join(compress(block) for block in blocks)
    whole = b"".join(blocks)
    assert gzip.decompress(stream) == whole
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(stream) == whole
    assert reader.eof
    assert reader.unused_data == b""


def test_blocks_can_be_joined_again_in_another_order() -> None:
    """A block knows nothing of its neighbours."""
    one, two = compress(b"one\n" * 100), compress(b"two\n" * 100)
    assert (
        gzip.decompress(join([two, one, two])) == b"two\n" * 100 + b"one\n" * 100 + b"two\n" * 100
    )


def test_the_size_wraps_at_four_gibibytes() -> None:
    """RFC 1952 keeps the size modulo 2^32."""
    huge = Block(b"", 2**32 + 5, 0, 1)
    assert join([huge])[-4:] == (5).to_bytes(4, "little")


def test_gunzip_agrees() -> None:
    """The command-line tool accepts the stream, checksum and size included."""
    tool = shutil.which("gzip")
    if tool is None:
        pytest.skip("gzip is not installed")
    stream = join([compress(b"a 1\n" * 50), compress(b""), compress(b"b 2\n")])
    done = subprocess.run([tool, "-dc"], input=stream, capture_output=True, check=True)
    assert done.stdout == b"a 1\n" * 50 + b"b 2\n"
