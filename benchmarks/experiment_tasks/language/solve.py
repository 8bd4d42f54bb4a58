"""A language model of characters: counts of what follows, in plain Python."""

from collections import Counter

ORDER = 0
SMOOTH = 1.0
MIX = False


def fit(text):
    alphabet = 28
    counts = [Counter() for _ in range(ORDER + 1)]
    totals = [Counter() for _ in range(ORDER + 1)]
    for at in range(ORDER, len(text)):
        for n in range(ORDER + 1):
            before = text[at - n : at]
            counts[n][before + text[at]] += 1
            totals[n][before] += 1

    def chance(before, letter):
        found = 1 / alphabet
        for n in range(ORDER + 1) if MIX else (ORDER,):
            known = before[len(before) - n :]
            weight = SMOOTH * (alphabet if not MIX else 4)
            base = found if MIX else 1 / alphabet
            found = (counts[n][known + letter] + weight * base) / (totals[n][known] + weight)
        return found

    return chance
