"""Where a valley is lowest."""

X = 0.0
Y = 0.0
Z = 0.0
