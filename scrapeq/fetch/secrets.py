"""What is said to the servers of the list and to nobody else: headers and cookies of the user's
own, users and passwords of listed URLs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from yarl import URL

from scrapeq.custom import Header
from scrapeq.fetch.failures import NoPageError
from scrapeq.retry import Failure
from scrapeq.text import MASK
from scrapeq.urls import Credentials


class Secrets:
    """`credentials` are those that the list has given so far, by origin or URL."""

    def __init__(self, own: Sequence[Header], credentials: Mapping[str, Credentials]) -> None:
        self.own = tuple(own)
        self._but_authorization = tuple(x for x in own if x[0].lower() != "authorization")
        self._credentials = credentials

    def for_listed(self, url: URL) -> tuple[URL, Sequence[Header]]:
        """A URL of the list as it is requested, and the headers for its origin. Its own user and
        password go before an Authorization for all."""
        if url.raw_user is None:
            return url, self.own
        bare = url.with_user(None)
        if url.user != MASK:
            return bare, self.own
        secret = self._credentials.get(str(url)) or self._credentials.get(str(url.origin()))
        if secret is None:
            raise NoPageError(
                Failure("credentials", "its user and password are not stored: give the list again")
            )
        own = ("Authorization", basic(secret.user, secret.password))
        return bare, (*self._but_authorization, own)


def basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
