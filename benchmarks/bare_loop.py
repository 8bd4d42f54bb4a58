"""The least that an agent can be: a loop of requests and commands, with nothing around it.

No framework, no store, no permission, no resume: the floor that the others are compared with.
`python bare_loop.py TASK`; OPENAI_BASE_URL and OPENAI_API_KEY say where the model is.
"""

import json
import os
import subprocess
import sys
from typing import Any

import httpx

SYSTEM = "You are an engineer at a terminal. Work on the task with the tool, then answer."
BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command in bash",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}


def run(call: dict[str, Any]) -> dict[str, Any]:
    """The tool message that answers `call`."""
    command = json.loads(call["function"]["arguments"])["command"]
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    text = f"{done.stdout}exit code {done.returncode}"
    return {"role": "tool", "tool_call_id": call["id"], "content": text}


def main() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": sys.argv[1]},
    ]
    key = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    with httpx.Client(base_url=os.environ["OPENAI_BASE_URL"], headers=key, timeout=600) as client:
        while True:
            body = {"model": "stand-in", "messages": messages, "tools": [BASH]}
            answer = client.post("chat/completions", json=body).raise_for_status().json()
            message = answer["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                print(message["content"])
                return
            messages += [run(call) for call in message["tool_calls"]]


if __name__ == "__main__":
    main()
