"""The user's own package: the contract of the orders table and a transform."""

from orders_feed.contract import Orders

__all__ = ["Orders"]
