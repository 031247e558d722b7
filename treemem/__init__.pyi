# Everything public, and where it is defined: type checkers read this file, and so does __init__.py when a name is used.

from ._version import __version__
from .aio import (
    AsyncKnowledgeBases,
    AsyncPreferences,
    AsyncReorganizer,
    AsyncSkills,
    AsyncTasks,
    AsyncTools,
    AsyncTreeTextMemory,
)
from .changes import EdgeType, Receipt
from .chat.answer import ChatAnswer, ChatStream
from .chat.streaming import AsyncChatStream
from .config import EmbedderConfig, LLMConfig, RerankerConfig, ServiceConfig, TasksConfig, TreeTextMemoryConfig
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
    QueueFullError,
    ReadingError,
    RerankerError,
    SchemaError,
    StoreError,
    StoreFullError,
    StoreTimeoutError,
    StoreUnavailableError,
    TaskNotFoundError,
    TreememError,
    UndoRefusedError,
)
from .exchange.frames import Frames, history_frame
from .exchange.importing import Imported
from .filters import field
from .graphs import GraphEdge, MemoryGraph, MemoryPath, MemoryTree
from .ingest.reading.report import DroppedItem, FailedWindow, Provenance, Quote, ReadingReport, ReadItem
from .items import TextualMemoryItem, TreeNodeTextualMemoryMetadata
from .knowledge.plans import FeedbackChange, FeedbackPlan
from .knowledge.repeated import SkillPlan, SkillProposal
from .memory import TreeTextMemory
from .models.anthropic_llm import AnthropicLLM
from .models.embedders import (
    CallableEmbedder,
    Embedder,
    MiniLM,
    OllamaEmbedder,
    OpenAIEmbedder,
)
from .models.llm import LLM, LLMAnswer, LLMStream, LLMText, LLMUsage, Picture
from .models.multilingual import MultilingualE5
from .models.openai_llm import AzureOpenAILLM, OpenAILLM
from .models.packages import FastEmbedEmbedder, SentenceTransformersEmbedder
from .models.rerankers import CallableReranker, CosineReranker, CrossEncoderReranker, LLMReranker, Reranker
from .models.served_rerankers import FastEmbedReranker, ServedReranker
from .records import (
    Added,
    AddedDocument,
    ChangedMemory,
    Conversation,
    DocumentRecord,
    KnowledgeBase,
    LoggedMessage,
    MemoryDiff,
    MemoryPage,
    MemoryVersion,
    Neighbour,
    OperationRecord,
    Preference,
    PreferenceProfile,
    PreferenceSource,
    Skill,
    Statistics,
)
from .reorganize.plan import Action, Plan, Report
from .reorganize.turn import Status
from .search.explain import Explanation
from .search.options import SearchOptions
from .search.results import PathStep, SearchHit, SearchResult
from .search.when import TimeReading, When
from .tasks.task import Task
from .tasks.verbs import Tasks
from .tool_records import Tool, ToolCall, ToolExperience

__all__ = [
    "LLM",
    "Action",
    "Added",
    "AddedDocument",
    "AnthropicLLM",
    "AsyncChatStream",
    "AsyncKnowledgeBases",
    "AsyncPreferences",
    "AsyncReorganizer",
    "AsyncSkills",
    "AsyncTasks",
    "AsyncTools",
    "AsyncTreeTextMemory",
    "AzureOpenAILLM",
    "CallableEmbedder",
    "CallableReranker",
    "ChangedMemory",
    "ChatAnswer",
    "ChatStream",
    "ConfigError",
    "ConflictError",
    "Conversation",
    "CosineReranker",
    "CrossEncoderReranker",
    "DocumentRecord",
    "DroppedItem",
    "EdgeType",
    "Embedder",
    "EmbedderConfig",
    "EmbedderError",
    "Explanation",
    "FailedWindow",
    "FastEmbedEmbedder",
    "FastEmbedReranker",
    "FeedbackChange",
    "FeedbackPlan",
    "Frames",
    "FrozenMemoryError",
    "GraphEdge",
    "Imported",
    "InvalidChangeError",
    "InvalidInputError",
    "KnowledgeBase",
    "LLMAnswer",
    "LLMConfig",
    "LLMError",
    "LLMReranker",
    "LLMStream",
    "LLMText",
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
    "OllamaEmbedder",
    "OpenAIEmbedder",
    "OpenAILLM",
    "OperationMismatchError",
    "OperationNotFoundError",
    "OperationRecord",
    "PathStep",
    "Picture",
    "Plan",
    "Preference",
    "PreferenceProfile",
    "PreferenceSource",
    "Provenance",
    "QueueFullError",
    "Quote",
    "ReadItem",
    "ReadingError",
    "ReadingReport",
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
    "ServedReranker",
    "ServiceConfig",
    "Skill",
    "SkillPlan",
    "SkillProposal",
    "Statistics",
    "Status",
    "StoreError",
    "StoreFullError",
    "StoreTimeoutError",
    "StoreUnavailableError",
    "Task",
    "TaskNotFoundError",
    "Tasks",
    "TasksConfig",
    "TextualMemoryItem",
    "TimeReading",
    "Tool",
    "ToolCall",
    "ToolExperience",
    "TreeNodeTextualMemoryMetadata",
    "TreeTextMemory",
    "TreeTextMemoryConfig",
    "TreememError",
    "UndoRefusedError",
    "When",
    "__version__",
    "field",
    "history_frame",
]
