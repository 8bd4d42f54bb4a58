#!/bin/bash
# PostToolUse on Edit|Write: formats the file that was written, and tells the model.
input=$(cat)
file_path=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["tool_input"]["file_path"])' <<<"$input")
if [[ "$file_path" == *.py ]]; then
  sed -i 's/[[:space:]]*$//' "$file_path"
  echo '{"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "formatted with sed"}}'
fi
exit 0
