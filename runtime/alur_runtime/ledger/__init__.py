"""The ledger in DynamoDB: its items, and the conditions that fence them."""
