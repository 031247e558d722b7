"""What a client does that openapi-python-client made of the description: `python tests/generated_client.py URL KEY`.

It runs where `treemem_client` can be imported, and treemem need not be.
"""

from __future__ import annotations

import sys
from typing import Any

from treemem_client import AuthenticatedClient
from treemem_client import models as m
from treemem_client.api.memos import add_message, get_status, search_memory
from treemem_client.api.treemem import v1_add, v1_history, v1_link, v1_path, v1_search, v1_undo, v1_update


def main(url: str, key: str) -> None:
    """Add, ask, change, walk and take back, each answer read as its model."""
    client = AuthenticatedClient(base_url=url, token=key, prefix="Token", raise_on_unexpected_status=True)

    def done(route: Any, body: Any, **query: Any) -> Any:
        answer = route.sync(client=client, body=body, **query)
        assert answer is not None, route.__name__
        assert answer.code == 0, answer
        return answer.data

    said = m.AddMessage.from_dict({"user_id": "anna", "messages": [{"role": "user", "content": "I keep bees."}]})
    task = done(add_message, said)["task_id"]
    assert done(get_status, m.GetStatus(task_id=task))[0]["status"] == "completed"
    found = done(search_memory, m.SearchMemory(user_id="anna", query="Who keeps bees?"))
    assert found["memory_detail_list"][0]["memory_value"] == "I keep bees."
    given = m.Add.from_dict({"memories": ["It rained.", "The river rose."]})
    rain, river = done(v1_add, given, user_id="anna").ids
    done(v1_link, m.Link(source=rain, type_="CAUSES", target=river), user_id="anna")
    assert done(v1_path, m.PathRequest(source=rain, target=river), user_id="anna").path.nodes == [rain, river]
    changed = done(v1_update, m.Change(memory_id=rain, memory="It snowed."), user_id="anna")
    assert len(done(v1_history, m.HistoryRequest(memory_id=rain), user_id="anna").versions) > 1
    done(v1_undo, m.Undo(operation=changed.operation), user_id="anna")
    hits = done(v1_search, m.Search(query="Did it rain?", when="now"), user_id="anna").hits
    assert "It rained." in [hit.memory for hit in hits]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
