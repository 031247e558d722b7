"""Every class of langchain-tests that is about what treemem offers, on both stores, with nothing taken out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from langchain_core.retrievers import BaseRetriever
from langchain_core.stores import BaseStore
from langchain_core.tools import BaseTool
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import (
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.integration_tests.indexer import AsyncDocumentIndexTestSuite, DocumentIndexerTestSuite
from langchain_tests.unit_tests import ToolsUnitTests

from tests.helpers import fresh_cube
from treemem import TreeTextMemory
from treemem.integrations.langchain import (
    LangChainEmbedder,
    TreememByteStore,
    TreememDocumentIndex,
    TreememRetriever,
    TreememVectorStore,
    memory_tools,
    open_without_vectors,
)


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def embedder(self) -> LangChainEmbedder:
        return LangChainEmbedder(self.get_embeddings())

    @pytest.fixture
    def vectorstore(self, memory: TreeTextMemory) -> VectorStore:  # type: ignore[override]
        return TreememVectorStore(memory)


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _filled(self, memory: TreeTextMemory) -> None:
        memory.add([f"Anna sang in the choir of Lisbon {n} times." for n in range(5)])
        self.memory = memory

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return TreememRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"memory": self.memory, "k": 2}

    @property
    def retriever_query_example(self) -> str:
        return "Where did Anna sing?"


class _Bytes:
    @pytest.fixture
    def kv_store(self, location: str) -> Generator[BaseStore[str, bytes], None, None]:
        with open_without_vectors(location, cube=fresh_cube()) as memory:
            yield TreememByteStore(memory)

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return b"", b"\x00\xff", "čau".encode()


class TestByteStore(_Bytes, BaseStoreSyncTests[bytes]):
    pass


class TestByteStoreAsync(_Bytes, BaseStoreAsyncTests[bytes]):
    pass


class TestDocumentIndex(DocumentIndexerTestSuite):
    @pytest.fixture
    def index(self, memory: TreeTextMemory) -> TreememDocumentIndex:  # type: ignore[override]
        return TreememDocumentIndex(memory=memory)


class TestDocumentIndexAsync(AsyncDocumentIndexTestSuite):
    @pytest.fixture
    def index(self, memory: TreeTextMemory) -> TreememDocumentIndex:  # type: ignore[override]
        return TreememDocumentIndex(memory=memory)


class _Tool:
    name: str
    arguments: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _filled(self, memory: TreeTextMemory) -> None:
        memory.add({"id": "home", "memory": "Anna lives in Porto."})
        (self.tool_of_memory,) = [tool for tool in memory_tools(memory) if tool.name == self.name]

    @property
    def tool_constructor(self) -> BaseTool:
        return self.tool_of_memory

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return self.arguments


_CALLS = {
    "remember": {"text": "Anna sings."},
    "recall": {"question": "Where does Anna live?"},
    "history": {"memory_id": "home"},
    "correct": {"memory_id": "home", "text": "Anna lives in Lisbon."},
    "forget": {"memory_id": "home"},
}
for _name, _arguments in _CALLS.items():
    for _suite in (ToolsUnitTests, ToolsIntegrationTests):
        _called = f"Test{_name.title()}{_suite.__name__.removesuffix('Tests')}"
        globals()[_called] = type(_called, (_Tool, _suite), {"name": _name, "arguments": _arguments})
