"""Request -> Page, or the Outcome that says why not. aiohttp lives here and nowhere else."""

from scrapeq.fetch.fetcher import Fetcher
from scrapeq.fetch.limits import FetchLimits

__all__ = ["FetchLimits", "Fetcher"]
