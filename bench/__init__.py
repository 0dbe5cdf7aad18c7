"""Measurements of scrapeq, each a command: `python -m bench.NAME`. README.md here lists them."""
