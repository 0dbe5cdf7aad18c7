"""`scrapeq bench`: scrapeq against the least Python that does the same, on a site of its own."""
