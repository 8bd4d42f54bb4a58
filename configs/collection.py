"""Garbage collection while a process starts.

Imports make a hundred thousand objects that all stay. To look at them again and again costs a
fifth of the start's processor time, and later 0.1 s with every full collection.
"""

import gc

#: New objects after which there is a collection; Python's own 700 are made in a step of a turn, and
#: most of them are in no circle.
OBJECTS = 10_000

_is_paused = False


def pause() -> None:
    """No collection until `resume`."""
    global _is_paused
    if gc.isenabled():
        gc.disable()
        _is_paused = True


def resume() -> None:
    """Collect again, but never what is there already. Does nothing unless `pause` came first."""
    global _is_paused
    if _is_paused:
        _is_paused = False
        gc.freeze()
        gc.set_threshold(OBJECTS)
        gc.enable()
