"""Nearest neighbours, in plain Python."""

K = 1
SCALED = False
POWER = 2


def fit(rows):
    scales = [1.0, 1.0]
    if SCALED:
        for n in range(2):
            column = [x[n] for x, _ in rows]
            mean = sum(column) / len(column)
            scales[n] = (sum((v - mean) ** 2 for v in column) / len(column)) ** 0.5

    def distance(x, other):
        return sum(abs((a - b) / s) ** POWER for a, b, s in zip(x, other, scales, strict=True))

    def predict(x):
        near = sorted(rows, key=lambda row: distance(x, row[0]))[:K]
        return sum(label for _, label in near) * 2 > len(near)

    return predict
