"""Filters: one syntax tree, read from JSON or built in Python, evaluated here and compiled by each store."""

from treemem.filters.scope import Bounds, joined, of_types, split, visible_to
from treemem.filters.testing import group, holds, like_regex, matches, passes
from treemem.filters.tree import (
    FIELDS,
    OPERATORS,
    STATE_TIMES,
    And,
    Condition,
    Field,
    Filter,
    FilterLike,
    Not,
    Or,
    condition,
    field,
    known_field,
    parse,
)

__all__ = [
    "FIELDS",
    "OPERATORS",
    "STATE_TIMES",
    "And",
    "Bounds",
    "Condition",
    "Field",
    "Filter",
    "FilterLike",
    "Not",
    "Or",
    "condition",
    "field",
    "group",
    "holds",
    "joined",
    "known_field",
    "like_regex",
    "matches",
    "of_types",
    "parse",
    "passes",
    "split",
    "visible_to",
]
