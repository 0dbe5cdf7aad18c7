"""The `scrapeq` command, and `python -m scrapeq`."""

import signal


def main() -> None:
    """Until a run listens to signals, Ctrl-C ends the process as SIGTERM does: at once, and
    without the traceback of whatever was being imported."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from scrapeq.cli import main as command

    command()


if __name__ == "__main__":
    main()
