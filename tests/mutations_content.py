"""More rows for the table in mutations.py: codings, charsets, what a page gives, processes.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

DECODE = ("test_decode.py",)
CHARSETS = ("test_charsets.py",)
OVERRUN = ("test_overrun.py",)
EXTRACT = ("test_extract.py",)
WORKERS = ("test_workers.py",)
VERDICT = ("test_verdict.py",)
TORTURE = ("test_torture_bombs.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    # ---- decode.py
    (
        "decode-members-unbounded",
        "decode.py",
        "for _ in range(most):",
        "while True:",
        "so many members and no more",
        DECODE,
    ),
    (
        "decode-cut-mark-is-junk",
        "decode.py",
        " or any(mark.startswith(body) for mark in marks)",
        "",
        "a body cut where its next member begins is not whole",
        DECODE,
    ),
    (
        "decode-junk-is-a-member",
        "decode.py",
        "lambda: zlib.decompressobj(31), _GZIP_NEXT",
        "lambda: zlib.decompressobj(31), _GZIP",
        "what cannot begin a member is junk",
        DECODE,
    ),
    (
        "decode-raw-by-the-quickest",
        "decode.py",
        "lambda: zlib.decompressobj(-15)",
        "lambda: _zlib.decompressobj(-15)",
        "a broken raw stream is not taken for whole",
        DECODE,
    ),
    (
        "decode-brotli-junk",
        "decode.py",
        "        if end := _brotli_end(body, limit):\n",
        "        if end := 0:\n",
        "junk after brotli is ignored",
        DECODE,
    ),
    (
        "decode-last-step-unlimited",
        "decode.py",
        "        if len(body) > limit:\n            break\n",
        "",
        "no step of a stack goes on beyond the limit",
        DECODE,
    ),
    # ---- charsets.py, prescan.py
    (
        "charsets-kelvin",
        "charsets.py",
        " if label.isascii() else None",
        "",
        "a label has no letters that only look like its own",
        CHARSETS,
    ),
    (
        "charsets-replacement-read",
        "charsets.py",
        "    REPLACEMENT: _nothing,\n",
        '    REPLACEMENT: lambda body, _: body.decode("latin-1"),\n',
        "what hides markup is not read",
        CHARSETS,
    ),
    (
        "charsets-seven-bits-are-ascii",
        "charsets.py",
        '(name := _declared(body, content_type) or "utf-8") not in _NOT_ASCII',
        '(name := _declared(body, content_type) or "utf-8")',
        "seven bits may mean something else",
        CHARSETS,
    ),
    (
        "charsets-cut-character-is-latin",
        "charsets.py",
        'codecs.utf_8_decode(body, "strict", False)',
        'codecs.utf_8_decode(body, "strict", True)',
        "UTF-8 cut within a character is UTF-8",
        CHARSETS,
    ),
    (
        "prescan-no-depth",
        "prescan.py",
        "    head = body[:DEPTH]\n",
        "    head = body\n",
        "a declaration stands in the first bytes",
        CHARSETS,
    ),
    (
        "prescan-pragma-unasked",
        "prescan.py",
        '    if attributes.get(b"http-equiv") != b"content-type":\n',
        "    if False:\n",
        "a content says nothing without its pragma",
        CHARSETS,
    ),
    # ---- legacy.py
    (
        "legacy-odd-unread",
        "legacy.py",
        "    if not _ANY_ODD[name].search(body):\n",
        "    if True:\n",
        "bytes are the characters that browsers have for them",
        CHARSETS,
    ),
    (
        "legacy-trail-eats-markup",
        "legacy.py",
        " and not body[at + 1 : at + 2].isascii()",
        "",
        "ASCII after a lead byte is not its trail",
        CHARSETS,
    ),
    # ---- details
    (
        "detail-of-a-crash-as-it-is",
        "stage.py",
        'kept(f"{type(exc).__name__}: {exc}")',
        'f"{type(exc).__name__}: {exc}"',
        "what a crash says is kept without secrets",
        ("test_flow.py",),
    ),
    (
        "detail-of-a-parser-as-it-is",
        "verdict.py",
        "kept(parsed.detail)",
        "parsed.detail",
        "what a parser says is kept without secrets",
        VERDICT,
    ),
    # ---- overrun.py
    (
        "overrun-unmended",
        "extract.py",
        "LexborHTMLParser(without_overrun(content), options=_OPTIONS)",
        "LexborHTMLParser(content, options=_OPTIONS)",
        "what the parser cannot bear never reaches it",
        OVERRUN,
    ),
    (
        "overrun-hidden-by-nul",
        "overrun.py",
        " or (hidden and reference in text)",
        "",
        "a NUL hides nothing",
        OVERRUN,
    ),
    # ---- extract.py, verdict.py
    (
        "extract-rows-are-free",
        "extract.py",
        "size += ROW_COST + VALUE_COST * len(row)",
        "pass",
        "many small rows are much output",
        EXTRACT,
    ),
    (
        "extract-characters-are-bytes",
        "extract.py",
        "sum(getsizeof(_quoted(value)) for",
        "sum(len(value) for",
        "a character may take more than a byte",
        EXTRACT,
    ),
    (
        "verdict-strict-ignored",
        "verdict.py",
        "(strict or page.request.attempt <= retry.retries)",
        "page.request.attempt <= retry.retries",
        "under --strict what lacks its end has failed",
        VERDICT,
    ),
    # ---- worker.py
    (
        "worker-frames-unbounded",
        "worker.py",
        "if waiting > FLUSH_SIZE or time.monotonic()",
        "if time.monotonic()",
        "no more than a frame of answers is in memory",
        WORKERS,
    ),
]
