#!/usr/bin/env python3
"""Stop: the tests have to run, once: `stop_hook_active` ends the loop. Reads the transcript."""

import json
import sys
from pathlib import Path

data = json.load(sys.stdin)
lines = [json.loads(line) for line in Path(data["transcript_path"]).read_text().splitlines()]
if data["stop_hook_active"] or not lines:
    sys.exit(0)
print(json.dumps({"decision": "block", "reason": "Run the tests before you stop."}))
