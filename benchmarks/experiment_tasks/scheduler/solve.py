"""Which job of a queue runs next on a free worker."""

POLICY = "first"
AGING = 0.0
GUESS = 0.0


def chosen(waiting, now):
    """The index of the job. Each is (when it came, how long it is said to take)."""
    if POLICY == "last":
        return len(waiting) - 1
    if POLICY == "first":
        return 0
    costs = [(1 - GUESS) * length + GUESS * 5 - AGING * (now - came) for came, length in waiting]
    return costs.index(min(costs))
