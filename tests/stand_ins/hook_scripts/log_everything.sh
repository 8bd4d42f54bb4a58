#!/usr/bin/env bash
# Any event: a line per event, and a message for the user at the start.
event=$(python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["hook_event_name"], d.get("tool_name",""), d["session_id"] != "")')
echo "$event" >> "$CLAUDE_PROJECT_DIR/events.log"
case "$event" in
  SessionStart*) echo '{"systemMessage": "hooks are on", "hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": "Today is release day"}}' ;;
esac
