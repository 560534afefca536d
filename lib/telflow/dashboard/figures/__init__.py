"""Figures, one module a topic: a small frame and colours in, what plotly draws out. They know no page and no query."""
