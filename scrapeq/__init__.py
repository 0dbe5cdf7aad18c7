"""scrapeq: a list of URLs becomes a SQLite database."""

__version__ = "0.1.0"
