"""Four assistants that call a memory as those of MemOS's documentation do: finance, home, writing, knowledge.

Three use the client: search, answer with a language model, add question and answer. The fourth posts by itself, looks
at `code` alone, keeps what has a relativity of 0.5 at least, and spreads the last messages into its prompt.
"""

import json
import os
import tempfile

import requests
from memos.api.client import MemOSClient
from openai import OpenAI

llm = OpenAI(api_key="none", base_url=os.environ["OPENAI_BASE_URL"])
memos = MemOSClient(api_key=os.getenv("MEMOS_API_KEY"))
read = {}


def answer(system, query, before=()):
    messages = [{"role": "system", "content": system}, *before, {"role": "user", "content": query}]
    return llm.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content


class Assistant:
    def __init__(self, user, purpose):
        self.user, self.purpose, self.talks = user, purpose, 0

    def conversation(self):
        self.talks += 1
        return f"conversation_{self.talks:03d}"

    def chat(self, query):
        conversation = self.conversation()
        found = memos.search_memory(query, self.user, conversation)
        memories = [each.memory_value for each in found.data.memory_detail_list]
        numbered = "".join(f"{n}. {text}\n" for n, text in enumerate(memories, 1))
        said = answer(f"You are an assistant for {self.purpose}.\n## Memories:\n{numbered}", query)
        memos.add_message(
            [{"role": "user", "content": query}, {"role": "assistant", "content": said}], self.user, conversation
        )
        return memories


finance = Assistant("memos_financial_management_user_123", "money")
behaviours = [
    {"role": "user", "content": "Clicked 'Retirement Finance' ad to enter app"},
    {"role": "user", "content": "Browsed and bookmarked low-risk funds"},
]
memos.add_message(behaviours, finance.user, finance.conversation())
read["finance"] = [finance.chat("What is my risk preference?"), finance.chat("Recommend some funds suitable for me")]

home = Assistant("memos_home_management_user_123", "the home")
home.chat("Take the kids to the zoo on Saturday, please remember it.")
home.chat("For future reminders or plans, please first list three key points, then add one short suggestion.")
read["home"] = [home.chat("What plans do I have for the weekend?")]
read["home again"] = [home.chat("What plans do I have for the weekend?") for _ in range(3)]

writing = Assistant("memos_writing_user_123", "writing")
writing.chat(
    "I work in marketing at an internet company. Keep the tone light when writing emails, start with 'Dear XX'."
)
writing.chat("When writing summaries, I prefer to list three bullet points first.")
read["writing"] = [writing.chat("Help me write a notification email for a team dinner")]

url, user = os.environ["MEMOS_BASE_URL"], "knowledge_user"
headers = {"Content-Type": "application/json", "Authorization": f"Token {os.environ['MEMOS_API_KEY']}"}


def post(route, **body):
    told = requests.post(f"{url}/{route}", headers=headers, data=json.dumps({**body, "user_id": user})).json()
    assert told.get("code") == 0, told
    return told.get("data")


base = memos.create_knowledgebase("Docs").knowledgebase_id
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "proxy.txt")
    with open(path, "w") as file:
        file.write("On a Mac with an Intel chip, install the intranet proxy with the package proxy-x86.pkg.\n")
    memos.add_knowledgebase_file_form(base, [path])
read["knowledge"] = []
for query in (
    "How do I install the intranet proxy on a Mac with an Intel chip?",
    "And how on a Mac with an Intel chip?",
):
    data = post("search/memory", query=query, conversation_id=user, knowledgebase_ids=[base])
    facts = [each for each in data.get("memory_detail_list", []) if each.get("relativity", 0) >= 0.5]
    assert len(data.get("preference_detail_list")) == 0
    log = post("get/message", conversation_id=user).get("message_detail_list")
    before = [{"role": each["role"], "content": each["content"]} for each in log]
    said = answer("\n".join(each.get("memory_value") for each in facts), query, before)
    post(
        "add/message",
        conversation_id=user,
        messages=[{"role": "user", "content": query}, {"role": "assistant", "content": said}],
    )
    read["knowledge"].append([[each.get("memory_value") for each in facts], len(before)])
print(json.dumps(read))
