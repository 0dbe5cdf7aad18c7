"""From a URL to the first answer that is no redirect, each hop checked before it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from yarl import URL

from scrapeq.custom import Header
from scrapeq.fetch.addresses import Private, check_hop
from scrapeq.fetch.bodies import discard
from scrapeq.fetch.connections import Connections
from scrapeq.fetch.failures import NoPageError
from scrapeq.fetch.headers import RAW_BYTE
from scrapeq.retry import Failure
from scrapeq.urls import BadURLError, parse, visible, yarl_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})

Hop = Callable[[URL], Awaitable[None]]
"""Asked before a redirect is followed; what it raises ends the attempt."""


async def follow(
    connections: Connections,
    url: URL,
    headers: Sequence[Header],
    *,
    limit: int,
    private: Private,
    hop: Hop | None,
) -> tuple[URL, aiohttp.ClientResponse]:
    """The answer, and where it came from. The caller closes it. `headers` are for the origin of
    `url` only."""
    seen = {url}
    while True:
        response = await connections.get(url, headers)
        if response.status not in REDIRECTS or "Location" not in response.headers:
            return url, response
        async with response:
            target = target_of(url, response.headers.getall("Location"))
            await discard(response)
        if target in seen or len(seen) > limit:
            kind = "a loop" if target in seen else f"more than {limit}"
            raise NoPageError(Failure("redirects", f"{kind}: {target}", final_url=str(url)))
        await check_hop(url, target, private, connections.resolver)
        if hop is not None:
            await hop(target)
        if target.origin() != url.origin():
            headers = ()  # what was said to one origin is not for another
        seen.add(target)
        url = target


def target_of(url: URL, locations: Sequence[str]) -> URL:
    """Where a redirect leads, by the rules for a URL of the list. User and password in it are
    nobody's and are dropped. Raises NoPageError."""
    location = locations[0].strip()
    try:
        if any(other.strip() != location for other in locations):
            raise BadURLError("invalid_url", "two different locations")
        quoted = RAW_BYTE.sub(lambda match: f"%{ord(match[0]) - 0xDC00:02X}", location)
        return parse(str(url.join(yarl_of(quoted)))).with_user(None)
    except ValueError as exc:
        scheme = isinstance(exc, BadURLError) and exc.reason == "scheme"
        reason = "redirect_scheme" if scheme else "redirect_invalid"
        # What yarl says may quote user and password.
        quotes = "@" in location and not isinstance(exc, BadURLError)
        why = "cannot be read as a URL" if quotes else exc
        raise NoPageError(Failure(reason, f"{visible(location, 200)!r}: {why}")) from None
