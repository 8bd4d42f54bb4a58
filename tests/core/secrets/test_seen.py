"""Secrets that stood in a conversation stay hidden when their variable is gone."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from configs.settings import Settings
from core.secrets import redaction
from core.secrets.redaction import keep_digests_in, keep_known, redacted
from core.secrets.seen import DIGESTS, KEY, SeenSecrets
from core.store import open_store
from graph.thread import Thread
from graph.transcript.write import as_jsonl, as_markdown
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply

SECRET = "sk-own-Q7xk2LmW9vRtB4nZ"


@pytest.fixture(autouse=True)
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    keep_digests_in(folder)
    return folder


def forget() -> None:
    """What another process would know: what is on disk, and no more."""
    assert redaction._seen is not None
    keep_digests_in(redaction._seen._file.parent)


PLACES = [
    "{}",
    "key={}",
    "'{}'",
    "https://me:{}@host",
    '{{"a": "{}"}}',
    "line one\\n{}\\n",
    "x%3D{}",
    "({})",
    "a {} b {} c",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", [SECRET, "open sesame! 99", "a.b.c.d-e/f+g=", "ünï-çode-pass"])
def test_it_is_known_without_its_variable(place: str, secret: str) -> None:
    assert redacted(f"is {secret}", {"MY_API_KEY": secret}) == "is [secret MY_API_KEY]"
    forget()
    text = place.replace("{}", secret)
    assert secret not in redacted(text, {})
    assert redacted(text, {}) == place.replace("{}", "[secret MY_API_KEY]")


def test_the_form_that_stood_there_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "pass/word+1 é"
    monkeypatch.setenv("MY_PASSWORD", secret)
    forms = [quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]
    keep_known({"arguments": [{"command": f"curl {form}"} for form in forms]})
    monkeypatch.delenv("MY_PASSWORD")
    forget()
    for form in forms:
        assert redacted(f"curl {form}").startswith("curl [secret MY_PASSWORD]")


def test_what_never_stood_in_a_text_leaves_nothing(state: Path) -> None:
    redacted("a harmless line", {"MY_API_KEY": SECRET})
    assert list(state.iterdir()) == []
    assert redacted(SECRET, {}) == SECRET


def test_words_that_only_look_alike_stay() -> None:
    redacted(SECRET, {"MY_API_KEY": SECRET})
    for text in (SECRET[:-1], SECRET[1:], SECRET.lower(), SECRET + "x", "Q7xk2LmW9vRtB4nZ"):
        assert redacted(text, {}) == text


def test_nothing_of_the_value_is_on_disk(state: Path) -> None:
    redacted(SECRET, {"MY_API_KEY": SECRET})
    for file in state.iterdir():
        content = file.read_bytes()
        assert not any(SECRET[i : i + 6].encode() in content for i in range(len(SECRET) - 5))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Once is enough.
    redacted(SECRET, {"MY_API_KEY": SECRET})
    assert len((state / DIGESTS).read_text().splitlines()) == 1


def test_two_directories_have_two_keys(tmp_path: Path) -> None:
    rows = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        SeenSecrets(tmp_path / name).remember("X", SECRET)
        rows.append((tmp_path / name / DIGESTS).read_text())
    assert rows[0] != rows[1]


def test_several_processes_at_once(tmp_path: Path) -> None:
    stores = [SeenSecrets(tmp_path) for _ in range(8)]
    values = [f"value-number-{n}-of-eight" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda pair: pair[0].remember("X", pair[1]), zip(stores, values, strict=True))
        )
    fresh = SeenSecrets(tmp_path)
    assert {fresh.without(value) for value in values} == {"[secret X]"}
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [DIGESTS, KEY]


def test_a_damaged_file_or_a_closed_folder_does_no_harm(state: Path) -> None:
    redacted(SECRET, {"MY_API_KEY": SECRET})
    with (state / DIGESTS).open("a") as file:
        file.write('[1, 2\n"x"\n[]\n')
    forget()
    assert redacted(SECRET, {}) == "[secret MY_API_KEY]"
    keep_digests_in(state / "not" / "there")
    assert redacted(SECRET, {"MY_API_KEY": SECRET}) == "[secret MY_API_KEY]"


def test_a_long_text_takes_no_time() -> None:
    """A watchdog: a digest of each place would take minutes."""
    for number in range(50):
        redaction._seen.remember("X", f"{number:02d}" + os.urandom(16).hex())  # type: ignore[union-attr]
    text = "a line of a log with a hash 6dc5d7f0a1b2c3d4e5f60718293a4b5c in it\n" * 20_000
    assert redacted(text, {}) == text


async def test_a_thread_is_shown_and_exported_without_it(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = [
        Reply(calls=[Call("write", {"path": "out.txt", "content": f"key={SECRET}"})]),
        Reply(f"I wrote {SECRET}"),
    ]
    monkeypatch.setenv("MY_API_KEY", SECRET)
    async with driven(script, settings, workdir, mode="auto") as driver:
        await driver.send(f"my key is {SECRET}")
        thread = driver.session.thread.id
        said = str(driver.messages)
    # The file has what was asked for, and so does the model.
    assert (workdir / "out.txt").read_text() == f"key={SECRET}"
    assert f"key={SECRET}" in said
    monkeypatch.delenv("MY_API_KEY")
    forget()
    async with await open_store(settings) as store:
        row = await store.threads.get(thread)
        history = await Thread(store, thread).whole_history()
        told = "".join([*as_jsonl(row, history), *as_markdown(row, history)])
    assert told.count("[secret MY_API_KEY]") >= 6
    assert SECRET not in told
    assert SECRET not in row.title
