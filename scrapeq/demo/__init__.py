"""The embedded site that `scrapeq demo` scrapes: an invented bookshop with bad manners."""
