"""Expectations on Arrow tables, held against rows before anything is committed."""
