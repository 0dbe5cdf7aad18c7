"""What may end a run. The failure of one URL is never an exception: it is an Outcome."""


class ScrapeqError(Exception):
    """A fault of the world or of the user, in one clear sentence."""

    exit_code = 1


class UsageError(ScrapeqError):
    """A flag, key, selector, source or value that cannot be used."""

    exit_code = 2


class FatalError(ScrapeqError):
    """Ends the whole run: what is pending stays pending."""


class StorageError(FatalError):
    """The database cannot be opened, read or written. The run can be resumed."""

    exit_code = 4
