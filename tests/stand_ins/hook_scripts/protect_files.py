#!/usr/bin/env python3
"""PreToolUse on Edit|MultiEdit|Write: a decision as JSON, with the absolute path of the file."""

import json
import os
import sys

data = json.load(sys.stdin)
path = data["tool_input"].get("file_path", "")
inside = os.path.relpath(path, os.environ["CLAUDE_PROJECT_DIR"])
if inside.startswith("data/"):
    output = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": f"{inside} is raw data",
    }
    print(json.dumps({"hookSpecificOutput": output, "suppressOutput": True}))
elif inside.endswith((".md", ".txt")):
    # The older form, which scripts still use.
    print(json.dumps({"decision": "approve", "reason": "Documentation file auto-approved"}))
sys.exit(0)
