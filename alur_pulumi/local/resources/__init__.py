"""The resource types of the local AWS provider, a module for each service."""
