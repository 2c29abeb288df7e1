"""The check of a table: ledger, manifests, objects and catalog held against one another, and put right."""
