"""The ledger made again from what S3 shows, after it was restored from a backup or lost."""
