# Everything public, and where it is defined: type checkers read this file, and so does __init__.py when a name is used.

from .documents import document_of
from .embedding import LangChainEmbedder
from .history import TreememChatMessageHistory
from .index import TreememDocumentIndex
from .middleware import TreememMiddleware
from .retriever import TreememRetriever
from .stores import TreememByteStore, open_without_vectors
from .tools import memory_tools
from .vectorstore import TreememVectorStore

__all__ = [
    "LangChainEmbedder",
    "TreememByteStore",
    "TreememChatMessageHistory",
    "TreememDocumentIndex",
    "TreememMiddleware",
    "TreememRetriever",
    "TreememVectorStore",
    "document_of",
    "memory_tools",
    "open_without_vectors",
]
