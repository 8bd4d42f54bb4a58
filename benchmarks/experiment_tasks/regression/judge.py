"""Mean squared error of a fit to 60 noisy points, on 200 others."""

import math
import random

import judging
import solve


def points(chance, count):
    xs = [chance.uniform(-3, 3) for _ in range(count)]
    return [(x, math.sin(2 * x) + 0.3 * x * x + chance.gauss(0, 0.3)) for x in xs]


def value(salt, seed):
    chance = random.Random(f"{salt} {seed}")
    model = solve.fit(points(chance, 60))
    return sum((model(x) - y) ** 2 for x, y in points(chance, 200)) / 200


if __name__ == "__main__":
    judging.main("mse", value, parts=4)
