"""Where files land: listing them, and reading exactly the version that was listed."""
