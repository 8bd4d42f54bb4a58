"""Mean time in the queue of 400 jobs on two workers."""

import random

import judging
import solve


def value(salt, seed):
    chance = random.Random(f"{salt} {seed}")
    came, jobs = 0.0, []
    for _ in range(400):
        came += chance.expovariate(0.34)
        jobs.append((came, chance.expovariate(0.2) + 0.1))
    free, waiting, waited = [0.0, 0.0], [], 0.0
    while jobs or waiting:
        worker = free.index(min(free))
        now = free[worker]
        if not waiting and jobs[0][0] > now:
            now = jobs[0][0]
        while jobs and jobs[0][0] <= now:
            waiting.append(jobs.pop(0))
        came, length = waiting.pop(solve.chosen(waiting, now))
        waited += now - came
        free[worker] = now + length
    return waited / 400


if __name__ == "__main__":
    judging.main("wait", value, parts=20)
