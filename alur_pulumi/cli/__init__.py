"""The `alur` command: start jobs, follow them, and look at what the ledger says."""
