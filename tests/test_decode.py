"""Bytes as they came over the wire -> text, whatever the bytes are."""

from __future__ import annotations

import gzip
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq.decode import (
    MAX_CODINGS,
    MAX_HEAD_MEMBERS,
    MAX_MEMBERS,
    DecodeError,
    decompress,
    decompress_head,
    looks_binary,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def pack_brotli(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=4))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw_deflate,
    "br": pack_brotli,
    "zstd": zstd.compress,
}
NAMES = {"raw": "deflate"}
"""What a server calls it, where that differs."""


@pytest.fixture(autouse=True, params=["zlib", "isal.isal_zlib"])
def either_zlib(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's, and that of the extra `fast`."""
    monkeypatch.setattr("scrapeq.decode._zlib", import_module(request.param))


each_coding = pytest.mark.parametrize("coding", list(PACKERS))
LONG = "".join(random.Random(1).choices("abcdefgh <>/äöü\n", k=400_000)).encode()
TEXT = LONG[:20_001]


def name_of(coding: str) -> str:
    return NAMES.get(coding, coding)


def fault(body: bytes, coding: str, limit: int = LIMIT) -> str:
    """The reason of the DecodeError."""
    with pytest.raises(DecodeError) as caught:
        decompress(body, coding, limit)
    assert caught.value.detail
    return caught.value.reason


# ---- content codings


@pytest.mark.parametrize("coding", ["", "identity", " Identity ", ",", "identity, identity"])
def test_a_body_without_a_coding_is_itself(coding: str) -> None:
    assert decompress(TEXT, coding, LIMIT) == (TEXT, False)


@each_coding
@pytest.mark.parametrize("content", [b"", b"x", TEXT])
def test_each_coding_is_undone(coding: str, content: bytes) -> None:
    assert decompress(PACKERS[coding](content), name_of(coding), LIMIT) == (content, False)


@each_coding
def test_an_empty_body_is_empty_in_every_coding(coding: str) -> None:
    assert decompress(b"", name_of(coding), LIMIT) == (b"", False)


def test_the_name_of_a_coding_may_be_written_in_any_case() -> None:
    assert decompress(gzip.compress(TEXT), " GZip ", LIMIT) == (TEXT, False)


@given(st.lists(st.sampled_from(list(PACKERS)), max_size=MAX_CODINGS))
def test_stacked_codings_are_undone_from_the_last_to_the_first(stack: list[str]) -> None:
    body = TEXT
    for coding in stack:
        body = PACKERS[coding](body)
    header = ", ".join(map(name_of, stack))
    assert decompress(body, header, LIMIT) == (TEXT, False)


def test_more_codings_than_anybody_needs_are_refused() -> None:
    body = TEXT
    for _ in range(MAX_CODINGS + 1):
        body = gzip.compress(body)
    assert fault(body, ", ".join(["gzip"] * (MAX_CODINGS + 1))) == "encoding"
    assert decompress(body, ", ".join(["identity"] * 50 + ["gzip"]), LIMIT) == (
        gzip.decompress(body), False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "coding", ["compress", "nonsense", "utf-16", "gzip;q=1", "gzip gzip", "\0"]
)
def test_an_unknown_coding_is_refused(coding: str) -> None:
    assert fault(TEXT, coding) == "encoding"
    assert fault(b"", f"gzip, {coding}") == "encoding"


def test_a_plain_body_under_a_gzip_header_is_taken_as_it_is() -> None:
    assert decompress(TEXT, "gzip", LIMIT) == (TEXT, False)
    assert decompress(zlib.compress(TEXT), "deflate, gzip", LIMIT) == (TEXT, False)


def test_a_plain_body_under_a_zstd_header_is_taken_as_it_is() -> None:
    assert decompress(TEXT, "zstd", LIMIT) == (TEXT, False)


@pytest.mark.parametrize("coding", ["deflate", "br"])
def test_a_plain_body_under_a_coding_without_a_mark_is_refused(coding: str) -> None:
    assert fault(TEXT, coding) == "encoding"


@each_coding
def test_a_body_cut_short_gives_what_there_is_and_says_so(coding: str) -> None:
    body = PACKERS[coding](TEXT)
    for length in (1, 2, 3, len(body) // 2, len(body) - 1):
        content, truncated = decompress(body[:length], name_of(coding), LIMIT)
        assert truncated, length
        assert TEXT.startswith(content)
    long = PACKERS[coding](LONG)
    assert len(decompress(long[:-1], name_of(coding), LIMIT)[0]) > 100_000


def test_a_stack_is_cut_short_if_one_of_its_codings_is() -> None:
    inner = gzip.compress(TEXT)[:-9]
    assert decompress(pack_brotli(inner), "gzip, br", LIMIT)[1]
    outer = pack_brotli(gzip.compress(TEXT))[:-9]
    assert decompress(outer, "gzip, br", LIMIT)[1]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_that_is_damaged_is_refused(coding: str) -> None:
    """A sum over the content is optional in zstd, and there is none in brotli."""
    body = bytearray(PACKERS[coding](TEXT))
    body[len(body) // 2] ^= 0xFF
    assert fault(bytes(body), coding) == "encoding"


@pytest.mark.parametrize("junk", [b"\0", b"\0" * 1000, b"<!-- a footer -->", b"\x1f\0", b"\xb5"])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw", "zstd", "br"])
def test_junk_after_the_end_is_ignored(coding: str, junk: bytes) -> None:
    body = PACKERS[coding](TEXT) + junk
    assert decompress(body, name_of(coding), LIMIT) == (TEXT, False)


@pytest.mark.parametrize(
    "junk", [b"\x1f\x8b\0", b"\x1f\x8bjunk", b"\x1f\x8b\x08\x20" + b"j" * 20, b"\x1f\x1f\x8b\x08"]
)
def test_what_cannot_begin_a_member_is_junk(junk: bytes) -> None:
    assert decompress(PACKERS["gzip"](TEXT) + junk, "gzip", LIMIT) == (TEXT, False)


def test_a_member_that_begins_well_and_is_broken_is_no_junk() -> None:
    whole = PACKERS["gzip"](TEXT)
    assert fault(whole + b"\x1f\x8b\x08\0" + b"\xff" * 20, "gzip") == "encoding"
    for length in range(1, len(whole)):
        assert decompress(whole + whole[:length], "gzip", LIMIT)[1], length


def test_junk_after_a_large_body_is_ignored_too() -> None:
    for junk in (b"x", b"\0" * 100_000):
        assert decompress(pack_brotli(LONG) + junk, "br", LIMIT) == (LONG, False)


def test_brotli_with_junk_after_it_has_the_same_limit() -> None:
    assert fault(pack_brotli(TEXT) + b"junk", "br", len(TEXT) - 1) == "too_large"


@pytest.mark.parametrize(("coding", "mark"), [("gzip", b"\x1f"), ("zstd", b"\x28\xb5\x2f")])
def test_a_body_cut_where_its_next_member_begins_is_not_whole(coding: str, mark: bytes) -> None:
    assert decompress(PACKERS[coding](TEXT) + mark, coding, LIMIT) == (TEXT, True)


@each_coding
def test_a_body_cut_at_any_byte_is_never_whole(coding: str) -> None:
    for content in (b"x", TEXT[:700], b"\0" * 300, random.Random(2).randbytes(300)):
        body = PACKERS[coding](content)
        for length in range(1, len(body)):
            found, truncated = decompress(body[:length], name_of(coding), LIMIT)
            assert truncated, length
            assert content.startswith(found)


@each_coding
def test_a_stack_cut_at_any_byte_is_never_whole(coding: str) -> None:
    for outer in PACKERS:
        body = PACKERS[outer](PACKERS[coding](TEXT[:200]))
        for length in range(1, len(body)):
            header = f"{name_of(coding)}, {name_of(outer)}"
            found, truncated = decompress(body[:length], header, LIMIT)
            assert truncated, (outer, length)
            assert TEXT.startswith(found)


def test_a_raw_stream_that_is_broken_is_not_taken_for_one_that_ends_there() -> None:
    """ISA-L does so with two of the bits of this stream."""
    letters = random.Random(1).choices("abcdefghijklmnop", k=40)
    packed = raw_deflate("".join(letters).encode())
    for place in range(len(packed) * 8):
        body = bytearray(packed)
        body[place // 8] ^= 1 << place % 8
        with suppress(DecodeError):
            found, truncated = decompress(bytes(body), "deflate", LIMIT)
            unpacker = zlib.decompressobj(-15)
            assert (found, truncated) == (unpacker.decompress(bytes(body)), not unpacker.eof)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_follow_one_another(coding: str) -> None:
    pack = PACKERS[coding]
    body = b"".join(map(pack, [b"one", b"", b"two", TEXT]))
    assert decompress(body, coding, LIMIT) == (b"onetwo" + TEXT, False)
    assert decompress(body[:-1], coding, LIMIT)[1]


def test_zstd_frames_that_are_to_be_skipped_are_skipped() -> None:
    note = b"\x5a\x2a\x4d\x18\x04\0\0\0note"
    body = note + zstd.compress(b"one") + note + zstd.compress(b"two") + note
    assert decompress(body, "zstd", LIMIT) == (b"onetwo", False)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_so_many_members_and_no_more(coding: str) -> None:
    member = PACKERS[coding](b"")
    last = PACKERS[coding](b"x")
    assert decompress(member * (MAX_MEMBERS - 1) + last, coding, LIMIT) == (b"x", False)
    assert fault(member * MAX_MEMBERS + last, coding) == "encoding"
    assert fault(member * 50_000, coding) == "encoding"


# ---- the limit


@each_coding
@pytest.mark.parametrize("size", [1, 100, 65_536, 300_001])
def test_the_limit_is_exact(coding: str, size: int) -> None:
    body = PACKERS[coding](b"x" * size)
    assert decompress(body, name_of(coding), size) == (b"x" * size, False)
    assert fault(body, name_of(coding), size - 1) == "too_large"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_limit_is_for_all_members_together(coding: str) -> None:
    body = PACKERS[coding](b"x" * 100) * 10
    assert decompress(body, coding, 1000) == (b"x" * 1000, False)
    assert fault(body, coding, 999) == "too_large"


def test_the_limit_is_for_each_step_of_a_stack() -> None:
    body = gzip.compress(gzip.compress(b"x") + b"\0" * 1000)
    assert decompress(body, "gzip, gzip", 2000) == (b"x", False)
    assert fault(body, "gzip, gzip", 999) == "too_large"


def test_the_limit_is_for_a_plain_body_too() -> None:
    for coding in ("", "gzip"):
        assert decompress(b"x" * 100, coding, 100) == (b"x" * 100, False)
        assert fault(b"x" * 100, coding, 99) == "too_large"


BOMB = bytes(brotli.compress(b"\0" * 11_500_000))
_ZEROS = b"\0" * (1 << 25)
BOMBS = {
    "gzip": gzip.compress(_ZEROS),
    "deflate": raw_deflate(_ZEROS),
    "br": pack_brotli(_ZEROS),
    "zstd": zstd.compress(_ZEROS),
    "gzip, gzip": gzip.compress(gzip.compress(_ZEROS)),
    "br, br": pack_brotli(pack_brotli(_ZEROS)),
    "gzip, zstd, br": pack_brotli(zstd.compress(gzip.compress(_ZEROS))),
}
del _ZEROS


@pytest.mark.parametrize("coding", list(BOMBS))
def test_a_bomb_costs_little_more_than_the_limit(coding: str) -> None:
    assert len(BOMBS[coding]) < 200_000
    tracemalloc.start()
    try:
        assert fault(BOMBS[coding], coding) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def test_thirty_bytes_of_brotli_are_a_bomb_too() -> None:
    assert len(BOMB) < 40
    assert fault(BOMB, "br") == "too_large"
    assert fault(BOMB, "br", 11_499_999) == "too_large"
    assert decompress(BOMB, "br", 11_500_000) == (b"\0" * 11_500_000, False)


def test_a_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    options = {int(zstd.CompressionParameter.window_log): 27}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(TEXT) + packer.flush()
    assert fault(body, "zstd") == "encoding"


# ---- only the beginning


@each_coding
def test_the_beginning_of_a_large_body_can_be_had(coding: str) -> None:
    body = PACKERS[coding](TEXT)
    assert decompress_head(body, name_of(coding), 100) == TEXT[:100]
    assert decompress_head(body, name_of(coding), LIMIT) == TEXT
    assert TEXT.startswith(decompress_head(body[:500], name_of(coding), 5000))


@pytest.mark.parametrize("coding", list(BOMBS))
def test_the_beginning_of_a_bomb_is_harmless(coding: str) -> None:
    with suppress(DecodeError):  # more than one coding
        head = decompress_head(BOMBS[coding], coding, 1000)
        assert head == b"\0" * len(head)


def test_the_beginning_of_a_plain_body_is_the_body() -> None:
    assert decompress_head(b"abc", "", 100) == b"abc"
    with pytest.raises(DecodeError):
        decompress_head(b"abc", "nonsense", 100)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_beginning_is_in_one_coding_and_of_few_members(coding: str) -> None:
    member, last = PACKERS[coding](b""), PACKERS[coding](b"x")
    assert decompress_head(member * (MAX_HEAD_MEMBERS - 1) + last, coding, 100) == b"x"
    with pytest.raises(DecodeError, match="more than 16 compressed members"):
        decompress_head(member * MAX_HEAD_MEMBERS + last, coding, 100)
    with pytest.raises(DecodeError, match="the limit is 1"):
        decompress_head(PACKERS[coding](last), f"{coding}, {coding}", 100)
    assert decompress_head(last, f"identity, {coding}", 100) == b"x"


@pytest.mark.parametrize("name", ["none", "binary", "7bit", "8bit", "utf-8", "UTF8", "Identity"])
def test_what_servers_call_no_coding_is_none(name: str) -> None:
    assert decompress(TEXT, name, LIMIT) == (TEXT, False)
    assert decompress(gzip.compress(TEXT), f"{name}, gzip", LIMIT) == (TEXT, False)


# ---- any bytes at all


_codings = st.lists(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "", "x"]), max_size=7
).map(",".join)
_streams = st.builds(
    lambda coding, data, cut, junk: PACKERS[coding](data)[cut:] + junk,
    st.sampled_from(list(PACKERS)),
    st.binary(max_size=300),
    st.integers(0, 10),
    st.binary(max_size=50),
)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300) | _streams, _codings, st.integers(1, 400))
def test_any_bytes_are_a_body_or_a_decode_error(body: bytes, coding: str, limit: int) -> None:
    found = tried(body, coding, limit)
    if isinstance(found, DecodeError):
        assert found.reason in ("encoding", "too_large")
    else:
        assert len(found[0]) <= limit
    with suppress(DecodeError):
        head = decompress_head(body, coding, limit)
        assert len(head) <= limit
        assert isinstance(found, DecodeError) or head == found[0]


def tried(body: bytes, coding: str, limit: int) -> tuple[bytes, bool] | DecodeError:
    try:
        return decompress(body, coding, limit)
    except DecodeError as exc:
        return exc


@settings(deadline=None)
@given(
    st.sampled_from(list(PACKERS)), st.binary(max_size=2000), st.floats(0, 1), st.integers(0, 3000)
)
def test_any_beginning_of_a_stream_is_a_beginning_of_its_content(
    coding: str, data: bytes, share: float, limit: int
) -> None:
    body = PACKERS[coding](data)
    part = body[: round(share * len(body))]
    found = tried(part, name_of(coding), limit)
    if isinstance(found, DecodeError):
        assert found.reason == "too_large"
        assert len(data) > limit
    else:
        assert data.startswith(found[0])
        assert found[1] == (0 < len(part) < len(body))


# ---- is it text at all


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", "ä文".encode(), b"\t\r\n\x0c\x1b[0m", b"\xef\xbb\xbf\0", b"\xff\xfe<\0",
     b"\xfe\xff\0<", b"x" * 512 + b"\0"],
)  # fmt: skip
def test_text_does_not_look_binary(body: bytes) -> None:
    assert not looks_binary(body)


@pytest.mark.parametrize(
    "body", [b"\x89PNG\r\n\x1a\n\0", b"PK\x03\x04", b"\x7fELF\x02", b"x" * 511 + b"\0", b"\x08"]
)
def test_what_has_a_byte_that_no_text_has_looks_binary(body: bytes) -> None:
    assert looks_binary(body)


# ---- the same verdict with either library


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_reserved_flags_of_gzip_are_an_error(flag: int) -> None:
    packed = bytearray(gzip.compress(b"x"))
    packed[3] |= flag
    with pytest.raises(DecodeError) as raised:
        decompress(bytes(packed), "gzip", LIMIT)
    assert raised.value.reason == "encoding"


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(0, 7), st.sampled_from(["gzip", "deflate", "raw"]))
def test_a_flipped_bit_has_one_verdict_whichever_library_there_is(
    place: int, bit: int, coding: str
) -> None:
    packed = bytearray(PACKERS[coding](TEXT[:3000]))
    packed[place % len(packed)] ^= 1 << bit

    def verdict(library: str) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("scrapeq.decode._zlib", import_module(library))
            try:
                return decompress(bytes(packed), NAMES.get(coding, coding), LIMIT)
            except DecodeError as exc:
                return exc.reason

    assert verdict("isal.isal_zlib") == verdict("zlib")
