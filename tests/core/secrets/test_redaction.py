"""Secrets by value and by shape, and what only looks like one."""

import base64
import html
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from configs.settings import Settings
from core.secrets.marks import DISTINCT, MARKS
from core.secrets.redaction import redacted, redacted_in
from core.secrets.shapes import _SHAPES
from core.store import open_store
from nodes.services import build_services
from tests.cli.program import program
from tests.stand_ins.model_script import Call, Reply
from tests.tools.bench import Bench

A, H = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0", "0123456789abcdef" * 4

SECRETS = {
    "hugging face token": "hf_" + A[:34],
    "hugging face organisation": "api_org_" + A[:34],
    "github token": "ghp_" + A[:36],
    "github app": "ghs_" + A[:36],
    "github fine": "github_pat_" + A + A,
    "gitlab": "glpat-" + A[:20],
    "anthropic": "sk-ant-api03-" + A,
    "openai": "sk-" + A,
    "openai project": "sk-proj-" + A,
    "openrouter": "sk-or-v1-" + H,
    "groq": "gsk_" + A + A[:12],
    "replicate": "r8_" + A[:37],
    "aws id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "aws secret": "aws_secret_access_key = " + A,
    "aws session": 'AWS_SESSION_TOKEN="' + A,
    "google": "AIza" + A[:35],
    "google token": "ya29." + A,
    "slack": "xoxb-1234567890-" + A[:20],
    "slack hook": "https://hooks.slack.com/services/T000/B000/" + A[:24],
    "stripe": "sk_live_" + A[:24],
    "sendgrid": "SG." + A[:22] + "." + A + "abc",
    "npm": "npm_" + A[:36],
    "pypi": "pypi-" + A + A,
    "wandb": "WANDB_API_KEY=" + H[:40],
    "telegram": "123456789:AA" + A[:33],
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ." + A,
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{A}\n{A}\n-----END RSA PRIVATE KEY-----",
    "openssh key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{A}\n-----END OPENSSH PRIVATE KEY-----",
    "bearer": "Authorization: Bearer " + A,
    "basic": '"authorization": "Basic ' + A[:24],
    "url": "postgresql://me:" + A[:12] + "@host/db",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_shape_is_known(secret: str) -> None:
    said = redacted(f"before {secret} after", {})
    assert "[secret" in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    for part in (A[:12], H[:20], "ABCDEFGHIJKLMNOP"):
        assert part not in said


HARMLESS = [
    "hf_hub_download(repo_id='a/b')",
    "pip install scikit-learn sk-learn",
    "from sk_image import x; sk-test",
    "commit 6dc5d7f0a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "sha256:" + H,
    "550e8400-e29b-41d4-a716-446655440000",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "epoch 3 loss 0.5123 lr 1e-4 tokens 123456",
    "https://huggingface.co/org/model/resolve/main/x.bin",
    "git@github.com:org/repo.git and ssh://git@host/x",
    "http://localhost:8000/v1?key=abc",
    "openai/gpt-5.1 anthropic/claude-sonnet-4-5-20250929",
    "AKIA is a prefix",
    "authorization is required",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "def npm_install(): pass",
    "xoxo, your friend",
    "time 12:34:56, ratio 3:AA",
    "ghp_short",
]


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:24])
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert redacted(text, {"SOME_TOKEN": "short", "MY_PASSWORD": "password"}) == text


def test_known_values_by_name() -> None:
    environ = {
        "MY_API_KEY": "open sesame!",
        "OTHER_TOKEN": "open sesame! and more",
        "PLAIN": "x" * 20,
    }
    said = redacted("a open sesame! b open sesame! and more c " + "x" * 20, environ)
    assert said == "a [secret MY_API_KEY] b [secret OTHER_TOKEN] c " + "x" * 20


NAMES = (
    (Path(__file__).parents[2] / "tools/workspace/credential_names.txt").read_text().split()[:145]
)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_of_any_credential_is_known(name: str) -> None:
    assert redacted("is canary042Zq7xK.", {name: "canary042Zq7xK"}) == f"is [secret {name}]."


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("FOO", "AbCdEfGh1234IjKlMnOp5678", "AbCdEfGh1234IjKlMnOp5678"),
        ("FOO", "0f8e2a" * 6, "0f8e2a" * 6),
        ("DATABASE_URL", "postgresql://me:S3cr3t%2Fpart@host/db", "S3cr3t/part"),
        ("HTTPS_PROXY", "http://me:prOxy-pass-1@proxy:3128", "prOxy-pass-1"),
        ("SOME_URL", "https://AbCdEfGh1234IjKlMnOp5678@host/x", "AbCdEfGh1234IjKlMnOp5678"),
        ("X", "AccountName=me;AccountKey=c29tZUtleQ99;EndpointSuffix=x", "c29tZUtleQ99"),
        ("X_URL", "https://x.blob.example.net/c?sp=r&sig=Zm9vYmFyYmF6", "Zm9vYmFyYmF6"),
        (
            "SLACK_WEBHOOK_URL",
            "https://hooks.example.com/T1/B2/abcd",
            "https://hooks.example.com/T1/B2/abcd",
        ),
        ("GCP_SA_KEY", '{"type": "x", "private_key_id": "feedbeef99"}', "feedbeef99"),
        ("DOCKER_AUTH_CONFIG", '{"auths": {"h": {"auth": "bWU6cGFzcw11"}}}', "bWU6cGFzcw11"),
        ("SSH_PRIVATE_KEY", "first line\n" + "qW3" * 20 + "\nlast", "qW3" * 20),
    ],
)
def test_the_secret_within_a_value(name: str, value: str, secret: str) -> None:
    assert redacted(f"a {secret} b", {name: value}) == f"a [secret {name}] b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "true"),
        ("DB_PASSWORD", "postgres"),
        ("DB_PASSWORD", "postgresql"),
        ("SECRET_KEY", "changeme"),
        ("APP_SECRET", "development"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/keys/project.json"),
        ("TLS_KEY", "~/certs/server.key"),
        ("DEPLOY_USER", "someone-else"),
        ("MODEL", "Qwen2.5-72B-Instruct-AWQ"),
        ("MODEL_ID", "meta-llama/Llama-3.1-8B-Instruct"),
        ("GIT_COMMIT", "6dc5d7f0a1b2c3d4e5f60718293a4b5c6d7e8f90"),
        ("CI_COMMIT_SHA", "6dc5d7f0a1b2c3d4e5f60718293a4b5c6d7e8f90"),
        ("INVOCATION_ID", "6dc5d7f0a1b2c3d4e5f60718293a4b5c"),
        ("EXPERIMENT", "llama3-finetune-2026-01-15-seed42"),
        ("SERVICE_URL", "https://service.example.org/v1/models"),
        ("AUTH_METHOD", "certificate-chain"),
        ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
        ("LESSOPEN", "| /usr/bin/lesspipe %s"),
        ("PATH", "/usr/local/sbin:/usr/local/bin"),
        ("TOKENIZERS_PARALLELISM", "disabled-here"),
    ],
)
def test_words_paths_and_names_are_no_secrets(name: str, value: str) -> None:
    assert redacted(f"it is {value} here", {name: value}) == f"it is {value} here"


def test_the_name_of_the_user_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "researcher")
    text = "/home/researcher/work by researcher"
    assert redacted(text, {"FTP_PASSWORD": "researcher"}) == text


@pytest.mark.parametrize(
    "value", ["a+b/c=d e&f1", 'quo"te\\slash\nline1', "ünïcöde-pass-1", "plain-pass-1"]
)
def test_a_known_value_in_other_forms(value: str) -> None:
    data = value.encode()
    forms = [
        quote(value, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(data).decode(),
        base64.b64encode(data + b"\n").decode(),
        base64.urlsafe_b64encode(data).decode(),
        html.escape(value),
        data.hex(),
        "".join(f"\\u{ord(sign):04x}" for sign in value),
    ]
    for form in forms:
        said = redacted(f"is {form} .", {"MY_PASSWORD": value})
        assert said.startswith("is [secret MY_PASSWORD]"), form


@pytest.mark.parametrize(
    "sign",
    ["\x1b[0m", "\x1b[1;31m", "\u200b", "\r", "\x08", "\0", "\u202e", "\ufeff", "\x1b]0;t\x07"],
)
@pytest.mark.parametrize("secret", ["my-own-Q7xk2LmW9vRt", "hf_" + A[:34]])
def test_what_is_not_seen_hides_nothing(sign: str, secret: str) -> None:
    parted = secret[:9] + sign + secret[9:]
    said = redacted(f"is {parted} there", {"MY_API_KEY": "my-own-Q7xk2LmW9vRt"})
    assert said.startswith("is [secret")
    assert said.endswith("] there")
    # Colours of a text without a secret stay.
    assert redacted(f"is {sign} there", {}) == f"is {sign} there"


def test_many_credentials_and_a_long_text_take_no_time() -> None:
    """A watchdog: each place of the text must not be tried against each form."""
    environ = {f"SERVICE_{n}_KEY": f"value-of-{n}-{n * 7919:08x}" for n in range(300)}
    text = "a line of a log without anything in it\n" * 100_000
    assert redacted(text, environ) == text


def test_the_token_of_a_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a-token-of-another-kind\n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))
    assert redacted("x a-token-of-another-kind y") == "x [secret HF_TOKEN] y"


def test_a_token_counts_from_when_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HF_HOME", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    text = "tokens my-first-one-1 and my-other-one-2, and a stored-one-3"
    assert redacted(text) == text
    file = tmp_path / ".cache" / "huggingface" / "token"
    file.parent.mkdir(parents=True)
    file.write_text("my-first-one-1")
    assert redacted_in([text]) == [text.replace("my-first-one-1", "[secret HF_TOKEN]")]
    file.write_text("my-other-one-2\n")
    file.with_name("stored_tokens").write_text("[a]\nhf_token = stored-one-3\n")
    now = "tokens my-first-one-1 and [secret HF_TOKEN], and a [secret HF_TOKEN]"
    assert redacted(text) == now
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "elsewhere"))
    assert redacted(text) == text
    (tmp_path / "elsewhere").write_text("my-first-one-1")
    assert redacted(text) == text.replace("my-first-one-1", "[secret HF_TOKEN]")


def test_an_empty_file_of_a_token_garbles_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    for content in ("", "\n", "a"):
        (tmp_path / "token").write_text(content)
        assert redacted("a harmless line") == "a harmless line"


@pytest.mark.parametrize("piece", ["sk-", "eyJ", "-----BEGIN PRIVATE KEY-----", "a://b:", "hf_a"])
def test_long_texts_take_no_time(piece: str) -> None:
    """A watchdog: a pattern that goes wrong takes hours on this."""
    redacted(piece * 20_000, {})


async def test_a_command_that_prints_a_secret(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(settings)
    bench = Bench(build_services(settings, store), workdir)
    monkeypatch.setenv("HF_TOKEN", "my-very-own-token")
    result = await bench.call("bash", command="cat $HF_TOKEN_PATH; echo; echo x > f; echo done")
    assert result.text == "[secret HF_TOKEN]\ndone\n[exit code 0]"
    assert "my-very-own-token" not in str(bench.events)
    row = await bench.services.journal.row("t1", bench.last_id)
    assert "my-very-own-token" not in str(row)
    # What is written to a file is what was asked for.
    await bench.call("write", path="g", content="my-very-own-token")
    assert (bench.cwd / "g").read_text() == "my-very-own-token"
    await store.close()


def test_a_whole_run_holds_it_nowhere(tmp_path: Path) -> None:
    command = "cat $HF_TOKEN_PATH; echo; cat keys; seq 20000; cat $HF_TOKEN_PATH"
    script = [Reply(calls=[Call("bash", {"command": command})]), Reply("I saw it")]
    with program(tmp_path, script) as run:
        run.extra["HF_TOKEN"] = "my-very-own-token"
        (run.work / ".env").write_text("OTHER_API_KEY=another-secret-value\n")
        (run.work / "keys").write_text("another-secret-value\n")
        done = run.task("--output", "stream-json", "print it")
        assert done.returncode == 0
        exported = run("sessions", "export", "--format", "jsonl")
        shown = run("sessions", "show")
        told = done.stdout + done.stderr + exported.stdout + shown.stdout
        assert "[secret HF_TOKEN]" in told
        assert "[secret OTHER_API_KEY]" in told
        state = tmp_path / "state"
        for secret in ("my-very-own-token", "another-secret-value"):
            assert secret not in told
            files = subprocess.run(
                ["grep", "-rl", secret, str(state)], capture_output=True, text=True, check=False
            )
            # Raw output of commands, and their login (tools/workspace/this_machine.py).
            login = str(state / "login" / "token")
            kept = [n for n in files.stdout.split() if "/runs/" not in n and n != login]
            assert kept == []


def test_every_kind_has_marks() -> None:
    """A kind without a mark would never be looked for."""
    assert set(MARKS) == set(_SHAPES)
    assert set(MARKS) >= DISTINCT
