"""Measurements of the real thing on the embedded AWS; each prints a table and ends with one line of JSON."""
