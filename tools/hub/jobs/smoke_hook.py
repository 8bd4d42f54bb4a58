"""Runs inside a smoke job, as sitecustomize: stops transformers' Trainer (TRL's too) after N steps,
and prints what they took. Nothing is saved or pushed: the process ends with the training.

Only the standard library, and what the job has loaded by itself.
"""

import atexit
import importlib.abc
import importlib.util
import json
import os
import sys
import time
from typing import Any

STEPS = int(os.environ.get("ML_AGENT_SMOKE_STEPS", "0"))
MARK = "ML_AGENT_SMOKE "
_begun = time.time()
_state: dict[str, Any] = {"steps": 0, "of": 0, "times": [], "told": False}


def report() -> None:
    """One line, by the first process only."""
    if _state["told"] or os.environ.get("RANK", "0") != "0":
        return
    _state["told"] = True
    found: dict[str, Any] = {"steps": _state["steps"], "of": _state["of"]}
    found["seconds"] = round(time.time() - _begun, 1)
    pairs = zip(_state["times"], _state["times"][1:], strict=False)
    # The first steps compile and warm up.
    took = sorted(b - a for a, b in pairs)
    if took:
        found["step_seconds"] = round(took[len(took) // 2], 4)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        cards = range(torch.cuda.device_count())
        found["peak"] = max(torch.cuda.max_memory_reserved(card) for card in cards)
        found["memory"] = torch.cuda.get_device_properties(0).total_memory
    if found["steps"] or "peak" in found:
        print(MARK + json.dumps(found), flush=True)


def patch(module: Any) -> None:
    class Smoke(module.TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            _state["of"] = state.max_steps

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            _state["steps"] = state.global_step
            _state["times"].append(time.time())
            if state.global_step >= STEPS:
                report()
                sys.stdout.flush()
                # What comes after would save, push and cost.
                os._exit(0)

    begin = module.Trainer.__init__

    def init(self: Any, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        self.add_callback(Smoke())

    module.Trainer.__init__ = init


class Hook(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "transformers.trainer":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                patch(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if STEPS:
    sys.meta_path.insert(0, Hook())
    atexit.register(report)
