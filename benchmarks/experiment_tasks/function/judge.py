"""The height at (X, Y, Z), as a gauge with noise says it."""

import random

import judging
import solve


def value(salt, seed):
    noise = random.Random(f"{salt} {seed}").gauss(0, 0.4)
    return (solve.X - 2) ** 2 + 2 * (solve.Y + 1) ** 2 + abs(solve.Z) + 3 + noise


if __name__ == "__main__":
    judging.main("height", value, parts=1)
