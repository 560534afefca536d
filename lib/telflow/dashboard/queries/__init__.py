"""Queries, one module a topic: filters and dates in, a small frame out. They know no page and no storage."""
