"""Queries: the language that watches are written in, read by `parse`, asked all at once by `Matcher`."""

from pipeline.query.error import QueryError
from pipeline.query.explain import Explanation, explain
from pipeline.query.match import Matcher, WatchMatch
from pipeline.query.parse import parse, tree
from pipeline.query.printing import Query
from pipeline.query.tree import Hint

__all__ = [
    "Explanation",
    "Hint",
    "Matcher",
    "Query",
    "QueryError",
    "WatchMatch",
    "explain",
    "parse",
    "tree",
]
