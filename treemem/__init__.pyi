# Everything public, and where it is defined: type checkers read this file, and so does __init__.py when a name is used.

from ._version import __version__
from .aio import AsyncReorganizer, AsyncTreeTextMemory
from .changes import EdgeType, Receipt
from .config import EmbedderConfig, LLMConfig, RerankerConfig, TreeTextMemoryConfig
from .errors import (
    ConfigError,
    ConflictError,
    EmbedderError,
    FrozenMemoryError,
    InvalidChangeError,
    InvalidInputError,
    LeaseError,
    LLMError,
    MemoryExistsError,
    MemoryNotFoundError,
    ModelMismatchError,
    NotAllowedError,
    OperationMismatchError,
    OperationNotFoundError,
    RerankerError,
    SchemaError,
    StoreError,
    StoreFullError,
    StoreTimeoutError,
    StoreUnavailableError,
    TreememError,
    UndoRefusedError,
)
from .exchange.frames import Frames
from .exchange.moving import Imported
from .filters import field
from .graphs import GraphEdge, MemoryGraph, MemoryPath, MemoryTree
from .items import TextualMemoryItem, TreeNodeTextualMemoryMetadata
from .memory import TreeTextMemory
from .models.embedders import (
    CallableEmbedder,
    Embedder,
    MiniLM,
    OpenAIEmbedder,
)
from .models.llm import LLM, LLMAnswer, LLMUsage, OpenAILLM, Picture
from .models.multilingual import MultilingualE5
from .models.packages import FastEmbedEmbedder, SentenceTransformersEmbedder
from .models.rerankers import CallableReranker, CosineReranker, CrossEncoderReranker, LLMReranker, Reranker
from .records import (
    AddedDocument,
    ChangedMemory,
    Conversation,
    DocumentRecord,
    LoggedMessage,
    MemoryDiff,
    MemoryPage,
    MemoryVersion,
    Neighbour,
    OperationRecord,
    Statistics,
)
from .reorganize.plan import Action, Plan, Report
from .reorganize.turn import Status
from .search.explain import Explanation
from .search.options import SearchOptions
from .search.results import PathStep, SearchHit, SearchResult
from .search.when import TimeReading, When

__all__ = [
    "LLM",
    "Action",
    "AddedDocument",
    "AsyncReorganizer",
    "AsyncTreeTextMemory",
    "CallableEmbedder",
    "CallableReranker",
    "ChangedMemory",
    "ConfigError",
    "ConflictError",
    "Conversation",
    "CosineReranker",
    "CrossEncoderReranker",
    "DocumentRecord",
    "EdgeType",
    "Embedder",
    "EmbedderConfig",
    "EmbedderError",
    "Explanation",
    "FastEmbedEmbedder",
    "Frames",
    "FrozenMemoryError",
    "GraphEdge",
    "Imported",
    "InvalidChangeError",
    "InvalidInputError",
    "LLMAnswer",
    "LLMConfig",
    "LLMError",
    "LLMReranker",
    "LLMUsage",
    "LeaseError",
    "LoggedMessage",
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
    "MultilingualE5",
    "Neighbour",
    "NotAllowedError",
    "OpenAIEmbedder",
    "OpenAILLM",
    "OperationMismatchError",
    "OperationNotFoundError",
    "OperationRecord",
    "PathStep",
    "Picture",
    "Plan",
    "Receipt",
    "Report",
    "Reranker",
    "RerankerConfig",
    "RerankerError",
    "SchemaError",
    "SearchHit",
    "SearchOptions",
    "SearchResult",
    "SentenceTransformersEmbedder",
    "Statistics",
    "Status",
    "StoreError",
    "StoreFullError",
    "StoreTimeoutError",
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
