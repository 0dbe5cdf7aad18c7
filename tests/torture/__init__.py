"""Runs that are killed, starved and fed what hurts. Each module is a command of its own, and
the suite runs a small share of it."""
