"""`python -m scrapeq` is the `scrapeq` command."""

from scrapeq.cli import main

if __name__ == "__main__":
    main()
