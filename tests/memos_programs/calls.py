"""A program for MemOS's client: calls its methods as its documentation does, and prints what it read as JSON."""

import json
import os
import tempfile

from memos.api.client import MemOSClient

client = MemOSClient(api_key=os.getenv("MEMOS_API_KEY"))
read = {}

added = client.add_message(
    [
        {"role": "user", "content": "From now on, answer me in at most two sentences."},
        {"role": "assistant", "content": "I will."},
        {"role": "user", "content": "My sister keeps bees in Porto."},
    ],
    "用户/ 1",
    "conversation 1",
    tags=["family"],
    info={"scene": "chat"},
)
read["task"] = client.get_task_status(added.task_id).data.status
found = client.search_memory("Who keeps bees?", "用户/ 1", "conversation 1")
read["facts"] = [m.memory_value for m in found.data.memory_detail_list]
read["relativity"] = found.data.memory_detail_list[0].relativity
read["preferences"] = [p.preference for p in found.data.preference_detail_list]
read["note"] = bool(found.data.preference_note)
tagged = {"and": [{"tags": {"contains": "family"}}, {"scene": "chat"}]}
read["filtered"] = len(client.search_memory("Who keeps bees?", "用户/ 1", filter=tagged).data.memory_detail_list)
read["none"] = client.search_memory("bees", "nobody").data.memory_detail_list
said = client.get_message("用户/ 1", "conversation 1", message_limit_number=2)
read["messages"] = [[m.role, m.content] for m in said.data.message_detail_list]
listed = client.get_memory("用户/ 1", size=50)
read["total"] = listed.data.total
memory_id = found.data.memory_detail_list[0].id
read["by id"] = client.get_memory_by_id(memory_id)["data"]["content"]
client.update_memory(memory_id, content="My sister keeps sheep in Porto.")
read["updated"] = client.search_memory("Who keeps sheep?", "用户/ 1").data.memory_detail_list[0].memory_value
read["feedback"] = client.add_feedback("用户/ 1", "conversation 1", "No, my sister keeps goats in Porto.").success

base = client.create_knowledgebase("Travel", "What may be spent").knowledgebase_id
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "规定.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write("# 差旅\n\n住宿:一线城市每晚不超过550元\n")
    files = client.add_knowledgebase_file_form(base, [path]).data
read["file"] = files[0]["name"]
hits = client.search_memory("住宿能报销多少?", "用户/ 1", knowledgebase_ids=[base]).data.memory_detail_list
read["base"] = hits[0].memory_value
read["files"] = client.get_knowledgebase_file(knowledgebase_id=base).data.total
read["file deleted"] = client.delete_knowledgebase_file([files[0]["id"]]).success
read["base deleted"] = client.delete_knowledgebase(base).success

read["chat"] = client.chat("用户/ 1", "conversation 2", "Where does my sister live?").response
pieces = [json.loads(line) for line in client.chat("用户/ 1", "conversation 2", "Sure?", stream=True)]
read["stream"] = [[piece["type"], piece["data"]] for piece in pieces]
read["rerank"] = client.rerank("cat", ["A dog.", "A cat."], top_n=1)["results"][0]["index"]
read["deleted"] = client.delete_memory(memory_ids=[memory_id]).success
read["user deleted"] = client.delete_memory(["用户/ 1"]).success
read["left"] = client.get_memory("用户/ 1").data.total
try:
    client.delete_memory(user_id="nobody")
except Exception as error:
    read["refused"] = error.response.json()["code"]
print(json.dumps(read))
