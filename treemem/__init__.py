"""treemem: graph-native, time-versioned knowledge memory for AI agents.

Everything public is imported from here.
"""

from typing import TYPE_CHECKING, Any

from treemem._version import __version__
from treemem.changes import EdgeType, Receipt
from treemem.config import EmbedderConfig, TreeTextMemoryConfig
from treemem.errors import (
    ConfigError,
    ConflictError,
    EmbedderError,
    FrozenMemoryError,
    InvalidChangeError,
    InvalidInputError,
    LLMError,
    MemoryExistsError,
    MemoryNotFoundError,
    ModelMismatchError,
    OperationMismatchError,
    OperationNotFoundError,
    SchemaError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    TreememError,
    UndoRefusedError,
)
from treemem.filters import field
from treemem.graphs import GraphEdge, MemoryGraph, MemoryPath, MemoryTree
from treemem.items import TextualMemoryItem, TreeNodeTextualMemoryMetadata
from treemem.memory import TreeTextMemory
from treemem.models.embedders import (
    CallableEmbedder,
    Embedder,
    MiniLM,
    OpenAIEmbedder,
    SentenceTransformersEmbedder,
)
from treemem.models.llm import LLM, LLMAnswer, LLMUsage, OpenAILLM
from treemem.records import ChangedMemory, MemoryDiff, MemoryPage, MemoryVersion, Neighbour, OperationRecord, Statistics
from treemem.search.explain import Explanation
from treemem.search.options import SearchOptions
from treemem.search.results import PathStep, SearchHit, SearchResult
from treemem.search.when import TimeReading, When

if TYPE_CHECKING:
    from treemem.aio import AsyncTreeTextMemory

__all__ = [
    "LLM",
    "AsyncTreeTextMemory",
    "CallableEmbedder",
    "ChangedMemory",
    "ConfigError",
    "ConflictError",
    "EdgeType",
    "Embedder",
    "EmbedderConfig",
    "EmbedderError",
    "Explanation",
    "FrozenMemoryError",
    "GraphEdge",
    "InvalidChangeError",
    "InvalidInputError",
    "LLMAnswer",
    "LLMError",
    "LLMUsage",
    "MemoryDiff",
    "MemoryExistsError",
    "MemoryGraph",
    "MemoryNotFoundError",
    "MemoryPage",
    "MemoryPath",
    "MemoryTree",
    "MemoryVersion",
    "MiniLM",
    "ModelMismatchError",
    "Neighbour",
    "OpenAIEmbedder",
    "OpenAILLM",
    "OperationMismatchError",
    "OperationNotFoundError",
    "OperationRecord",
    "PathStep",
    "Receipt",
    "SchemaError",
    "SearchHit",
    "SearchOptions",
    "SearchResult",
    "SentenceTransformersEmbedder",
    "Statistics",
    "StoreError",
    "StoreFullError",
    "StoreUnavailableError",
    "TextualMemoryItem",
    "TimeReading",
    "TreeNodeTextualMemoryMetadata",
    "TreeTextMemory",
    "TreeTextMemoryConfig",
    "TreememError",
    "UndoRefusedError",
    "When",
    "__version__",
    "field",
]


def __getattr__(name: str) -> Any:
    """Import what costs time to import only when it is asked for."""
    if name == "AsyncTreeTextMemory":
        from treemem.aio import AsyncTreeTextMemory

        return AsyncTreeTextMemory
    raise AttributeError(f"module 'treemem' has no attribute {name!r}")
