#!/usr/bin/env python3
"""PreToolUse on Bash: exit code 2 and stderr block a call."""

import json
import re
import sys

RULES = [(r"^grep\b(?!.*\|)", "Use rg instead of grep"), (r"\brm\s+-rf\b", "rm -rf is not allowed")]

try:
    data = json.load(sys.stdin)
except json.JSONDecodeError as error:
    print(f"Error: Invalid JSON input: {error}", file=sys.stderr)
    sys.exit(1)
command = data.get("tool_input", {}).get("command", "")
if data.get("tool_name") != "Bash" or not command:
    sys.exit(1)
issues = [message for pattern, message in RULES if re.search(pattern, command)]
for message in issues:
    print(f"• {message}", file=sys.stderr)
sys.exit(2 if issues else 0)
