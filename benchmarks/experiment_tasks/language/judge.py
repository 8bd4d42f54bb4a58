"""Bits per character on 600 characters, after 4,000 others."""

import math
import random

import judging
import solve

FIRST = ["the", "a", "every"]
LATER = ["model", "run", "trial", "learns", "keeps", "drops", "fits", "noise", "data", "metric"]


def text(chance, length):
    words = []
    while sum(map(len, words)) + len(words) < length:
        words.append(chance.choice(FIRST if len(words) % 4 == 0 else LATER))
    return " ".join(words)[:length]


def value(salt, seed):
    chance = random.Random(f"{salt} {seed}")
    model, unseen = solve.fit(text(chance, 4_000)), text(chance, 600)
    places = range(8, len(unseen))
    return -sum(math.log2(model(unseen[:at], unseen[at])) for at in places) / len(places)


if __name__ == "__main__":
    judging.main("bits", value, parts=1)
