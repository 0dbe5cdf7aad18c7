"""The tables of a scrapeq database, and SQL text made from rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

APPLICATION_ID = 0x53435251  # "SCRQ"
SCHEMA_VERSION = 2

MASKED = (
    "(url >= 'http://***@' AND url < 'http://***A'"
    " OR url >= 'https://***@' AND url < 'https://***A')"
)
"""SQL: a URL whose user or password is masked. An index is used for these very words only, and
words that call a function would make SQLite copy each page before a statement changes it."""

CREATE = f"""
CREATE TABLE pages (
  id           INTEGER PRIMARY KEY,
  url          TEXT    NOT NULL,
  key          INTEGER NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'failed', 'skipped')),
  reason       TEXT,
  status       INTEGER,
  final_url    TEXT,
  host         TEXT    NOT NULL,
  depth        INTEGER NOT NULL DEFAULT 0,
  priority     REAL    NOT NULL DEFAULT 0,
  attempts     INTEGER NOT NULL DEFAULT 0,
  due_at       TEXT,
  fetched_at   TEXT,
  elapsed_ms   REAL,
  bytes        INTEGER,
  content_type TEXT,
  encoding     TEXT,
  truncated    INTEGER NOT NULL DEFAULT 0,
  detail       TEXT,
  given        TEXT,
  listed_run   INTEGER NOT NULL,
  settled_run  INTEGER
) STRICT;

CREATE TABLE runs (
  id         INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,
  ended_at   TEXT,
  version    TEXT NOT NULL,
  options    TEXT NOT NULL CHECK (json_valid(options)),
  outcome    TEXT,
  totals     TEXT CHECK (totals IS NULL OR json_valid(totals))
) STRICT;

CREATE TABLE samples (
  run     INTEGER NOT NULL,
  at      TEXT    NOT NULL,
  reading TEXT    NOT NULL CHECK (json_valid(reading))
) STRICT;

CREATE INDEX pages_key ON pages (key);

CREATE INDEX pages_unfetched ON pages (state) WHERE state IN ('failed', 'skipped');

CREATE INDEX pages_masked ON pages (id) WHERE state = 'pending' AND {MASKED};

CREATE VIEW failures AS
  SELECT url, reason, status, attempts, detail, fetched_at FROM pages WHERE state = 'failed';

CREATE VIEW hosts AS
  SELECT host, count(*) AS urls, sum(state = 'done') AS done, sum(state = 'failed') AS failed,
         sum(state = 'skipped') AS skipped, sum(state = 'pending') AS pending,
         round(avg(elapsed_ms), 1) AS mean_ms, sum(bytes) AS bytes
  FROM pages WHERE host <> '' GROUP BY host;
"""  # noqa: S608 - a constant


def pending_index(*, by_priority: bool) -> list[str]:
    """The one index that the Frontier reads, in the order that it reads it."""
    old, new = ("pages_pending", "pages_ranked")[:: 1 if by_priority else -1]
    columns = "due_at, priority, id" if by_priority else "due_at, id"
    return [
        f"DROP INDEX IF EXISTS {old}",
        f"CREATE INDEX IF NOT EXISTS {new} ON pages ({columns}) WHERE state = 'pending'",
    ]


def quoted(identifier: str) -> str:
    """An identifier for SQL. Only checked names get here; the quotes are the second lock."""
    return '"' + identifier.replace('"', '""') + '"'


def create_table(table: str, columns: Mapping[str, str]) -> list[str]:
    """SQL for a table of records: `url` first, then `columns` (name -> SQLite type)."""
    fields = "".join(f", {quoted(name)} {kind}" for name, kind in columns.items())
    return [
        f"CREATE TABLE {quoted(table)} (url TEXT NOT NULL{fields}) STRICT",
        f"CREATE INDEX {quoted(table + ' by url')} ON {quoted(table)} (url)",  # no table's name
    ]


def insert_record(table: str, columns: Iterable[str]) -> str:
    """SQL that adds a row only while its page is pending: the same verdict never counts twice.

    Parameters: the URL, the columns in order, the page's id.
    """
    names = [quoted(name) for name in columns]
    into = ", ".join(["url", *names])
    values = ", ".join("?" * (len(names) + 1))
    return (
        f"INSERT INTO {quoted(table)} ({into}) SELECT {values} "  # noqa: S608 - checked and quoted
        "WHERE EXISTS (SELECT 1 FROM pages WHERE id = ? AND state = 'pending')"
    )
