"""A run: plan, commit, roll forward, report."""
