"""The proxy that all requests go to, and what it is told to let us in."""

from __future__ import annotations

from collections.abc import Sequence

from yarl import URL

from scrapeq.custom import Header
from scrapeq.fetch.secrets import basic


class Proxy:
    """An HTTP proxy. It tunnels https, and sees what is said over http."""

    def __init__(self, url: str) -> None:
        given = URL(url)
        self.url = given.with_user(None)
        self._secret: Sequence[Header] = ()
        if given.raw_user is not None:
            token = basic(given.user or "", given.password or "")
            self._secret = (("Proxy-Authorization", token),)

    def beside(self, target: URL) -> Sequence[Header]:
        """Its headers in the request itself: over http that is what it reads."""
        return self._secret if target.scheme == "http" else ()

    def ahead(self, target: URL) -> dict[str, str] | None:
        """Its headers in the request for a tunnel; None where there is none."""
        return dict(self._secret) if target.scheme == "https" else None
