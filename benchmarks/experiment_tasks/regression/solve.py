"""Least squares with polynomial and periodic features, in plain Python."""

import math

DEGREE = 0
WAVES = 0
RIDGE = 1.0


def features(x):
    powers = [x**n for n in range(DEGREE + 1)]
    return powers + [f(n * x) for n in range(1, WAVES + 1) for f in (math.sin, math.cos)]


def fit(points):
    rows = [(features(x), y) for x, y in points]
    size = len(rows[0][0])
    left = [[sum(f[i] * f[j] for f, _ in rows) for j in range(size)] for i in range(size)]
    right = [sum(f[i] * y for f, y in rows) for i in range(size)]
    for i in range(size):
        left[i][i] += RIDGE
    weights = solved(left, right)
    return lambda x: sum(w * f for w, f in zip(weights, features(x), strict=True))


def solved(left, right):
    size = len(right)
    table = [[*row, y] for row, y in zip(left, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(table[row][i]))
        table[i], table[pivot] = table[pivot], table[i]
        for row in range(i + 1, size):
            factor = table[row][i] / table[i][i]
            table[row] = [a - factor * b for a, b in zip(table[row], table[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        rest = sum(table[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (table[i][size] - rest) / table[i][i]
    return found
