"""How a training stands, from what real trainers print."""

import pytest

from core.training import Training, sparkline, training_line

TRAINER = """\
{'loss': 0.6931, 'grad_norm': 2.1, 'learning_rate': 5e-05, 'epoch': 0.1}
{'loss': '0.52', 'grad_norm': '1.9', 'learning_rate': '4e-05', 'epoch': '0.2'}
{'loss': 0.41, 'grad_norm': 1.2, 'learning_rate': 3e-05, 'epoch': 0.3}
{'eval_loss': 0.39, 'eval_runtime': 1.2, 'epoch': 0.3}
{'loss': 0.30, 'grad_norm': 1.1, 'learning_rate': 2e-05, 'epoch': 0.4}
"""
BAR = " 10%|█         | 120/1200 [00:42<06:20,  2.84it/s]"
LIGHTNING = "Epoch 1:  10%|█  | 12/120 [00:01<00:10, 10.20it/s, v_num=0, train_loss=0.345]"
KERAS = "120/1200 ━━━━━━━━━━━━━━━━━━━━ 4:05 1s/step - accuracy: 0.5123 - loss: 0.6931"
KERAS_2 = "120/1200 [==>...........................] - ETA: 4:05 - loss: 0.6931 - accuracy: 0.5123"


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (TRAINER, "loss 0.69 █▅▃▁ 0.30 · eval_loss 0.39 · epoch 0.4"),
        (BAR, "step 120/1200 · 2.84 it/s · 6 min left"),
        (TRAINER + BAR, "loss 0.69 █▅▃▁ 0.30 · eval_loss 0.39 · epoch 0.4 · step 120/1200"
         " · 2.84 it/s · 6 min left"),
        (LIGHTNING, "train_loss 0.34 · epoch 1 · step 12/120 · 10.2 it/s · 10 s left"),
        (KERAS, "loss 0.69 · step 120/1200 · 4 min left"),
        (KERAS_2, "loss 0.69 · step 120/1200 · 4 min left"),
        ("iter 120: loss 2.3412, time 33.10ms", "loss 2.34 · step 120"),
        ("step 120 | loss 0.69\nstep 121 | loss 0.62", "loss 0.69 █▁ 0.62 · step 121"),
        ("[Epoch 3/10] train_loss: 0.31 val_loss: 0.42 acc: 81.2",
         "train_loss 0.31 · val_loss 0.42 · epoch 3/10"),
        ('{"step": 10, "loss": 0.5, "lr": 0.001}', "loss 0.50 · step 10"),
        ("{'loss': nan, 'epoch': 1.0}\n{'loss': nan, 'epoch': 2.0}", "loss nan · epoch 2"),
        ("EPOCH 3, BATCH 4/10", "epoch 3 · step 4/10"),
        ("{'rewards/margins': 0.1, 'loss': 0.3}", "loss 0.30"),
        ("Map: 45%|####5     | 450/1000 [00:01<00:02, 300.00it/s]",
         "Map 450/1000 · 300 it/s · 2 s left"),
    ],
)  # fmt: skip
def test_what_trainers_print(printed: str, line: str) -> None:
    assert training_line(printed) == line


@pytest.mark.parametrize(
    "printed",
    [
        "", "hello", "3/5 tests passed", "2026-01-02 10/12 files", "no loss of data", "done in 3 s",
        "step 1: read the data", "batch 4 of mail", "http://a/loss/3", "at 12:30:01 all is well",
    ],
)  # fmt: skip
def test_what_is_no_training(printed: str) -> None:
    assert training_line(printed) == ""


def test_bars_that_rewrite_their_line_and_an_evaluation_within() -> None:
    outer = "".join(f"\r {n}%|█ | {n * 12}/1200 [00:42<06:20,  2.84it/s]" for n in range(1, 40))
    inner = "\r  5%|█ | 5/100 [00:01<00:10,  9.00it/s]"
    assert training_line(outer + inner) == "step 468/1200 · 2.84 it/s · 6 min left"
    done = "Map: 100%|█| 50000/50000 [00:01<00:00, 3e4it/s]\n"
    assert training_line(done + BAR) == "step 120/1200 · 2.84 it/s · 6 min left"


def test_time_left_from_the_steps_alone_and_money() -> None:
    training = Training()
    training.rate, training.began = 1_000_000 / 3600, 1000.0
    training.read("step 100/1000 loss 2.0", 1000.0)
    training.read("step 200/1000 loss 1.0", 1060.0)
    assert training.line(1432.0) == "loss 2.00 █▁ 1.00 · step 200/1000 · 8 min left · $0.12"


def test_a_long_run_keeps_its_shape_in_little_room() -> None:
    training = Training()
    for step in range(10_000):
        training.read(f"loss={10_000 - step}")
    name, first, shape, last = training.line().split()
    assert (name, first, last) == ("loss", "1e+04", "1.00")
    assert (shape[0], shape[-1]) == ("█", "▁")
    assert len(shape) <= 8
    assert (sparkline([1.0, 1.0]), sparkline([])) == ("▁▁", "")
