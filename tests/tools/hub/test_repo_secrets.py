"""What hf_repo must not publish, against the stand-in Hub, and what it must."""

import os
from pathlib import Path

import pytest

from core.history import Call
from core.policy.decide import Situation, decide
from core.policy.rules import Rules, parse_rule
from nodes.validate import validated
from nodes.verdicts import main_words
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_state import Repo
from tests.tools.bench import Bench
from tools import builtin_tools
from tools.hub.repo.files import files_of

A = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"
TOKEN = "hf_" + A[:34]

#: By name alone: what is in them tells nothing.
_SECRET_NAMES = """
    .env .env.local prod.env config/staging.env .envrc .aws/credentials .aws/config
    .docker/config.json .kube/config credentials secrets.yaml secrets.toml secrets.json
    .streamlit/secrets.toml kaggle.json infra/terraform.tfstate infra/x.tfstate.backup .htpasswd
    app.jks app.keystore id_rsa id_rsa.bak id_ed25519.old token .vault-token .dockercfg gcp-key.json
    service_account.json service-account-prod.json db-credentials.json prod.secrets.yaml
    secrets.yaml.bak kaggle.json~ client_secret_1.json hf_token.txt api_keys.yaml passwords.txt
    server.pem .netrc .npmrc .pgpass .git-credentials terraform.tfvars vpn.ovpn
"""
SECRET_NAMES = _SECRET_NAMES.split()
_HARMLESS_NAMES = """
    tokenizer.json tokenizer_config.json special_tokens_map.json added_tokens.json tokens.txt
    vocab.txt merges.txt config.json docs/credentials.md docs/secrets.html secrets.py key.json
    answer-key.json keypoints.json token_counts.csv password_strength.csv .env.example id_rsa.pub
    README.md environment.yml .gitattributes secrets.example.toml tokenizer.model keyboard.json
"""
HARMLESS_NAMES = _HARMLESS_NAMES.split()

#: By what is in them: all must be refused, under any name.
SECRET_CONTENTS: dict[str, bytes] = {
    "a token": f"token = '{TOKEN}'".encode(),
    "behind a NUL": b"\0\1\2weights" + TOKEN.encode() + b"\0\0",
    "in a pickle": b"\x80\x04\x95\0\0\0\0\0\0\0\0\x8c\x25" + TOKEN.encode() + b"\x94.",
    "UTF-16": f"token: {TOKEN}\r\n".encode("utf-16"),
    "at the end of 3 MB": b"x y\n" * 750_000 + TOKEN.encode(),
    "at the end of 3 MB with NULs": b"\0" * 3_000_000 + TOKEN.encode() + b"\0",
    "over the edge of a piece": b"a" * (256 * 1024 - 12)
    + b" "
    + TOKEN.encode()
    + b" "
    + b"b" * 9999,
    "a private key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n",
    "a service account": b'{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE'
    + A.encode() * 80
    + b'"}',
    "a named value": f"WANDB_API_KEY={A}".encode(),
    "a named value in YAML": b"db:\n  password: Zx81-kQ4pLm77vR2\n",
    "a URL": b"url: postgres://admin:S3cr-et99@db.internal/main",
    "a header": f"curl -H 'Authorization: Bearer {A}'".encode(),
}
HARMLESS_CONTENTS: dict[str, bytes] = {
    "an example": b"export HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "words": b'api_key = "your-api-key-goes-here-123"\npassword: changeme\nsecret: <your secret>',
    "a vocabulary": b'{"password": 12345, "secret": 8, "hf_": 9, "sk-": 10, "AKIA": 12}',
    "special tokens": b'{"bos_token": "<|begin_of_text|>", "eos_token": "begin_of_text_128000"}',
    "code": b"token = os.environ['HF_TOKEN']\nauth_token = get_auth_token_from_config2()\n",
    "a URL": b"postgres://user:password@localhost/db http://user:pass@example.org https://x.org/a@b",
    "hashes": b"sha256: 6dc5d7f0a1b2c3d4e5f60718293a4b5c6d7e8f906dc5d7f0a1b2c3d4e5f60718",
    "weights": bytes(range(256)) * 4000,
    "a picture": b"data:image/png;base64," + b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 100,
}


async def upload(bench: Bench, **arguments: str) -> str:
    result = await bench.call("hf_repo", operation="upload", repo="ann/mine", **arguments)
    return result.text


def put(folder: Path, name: str, content: bytes = b"text\n") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def mine(hub: HubServer) -> Repo:
    return hub.add("ann/mine", files={})


async def test_names_of_secret_files(hub: HubServer, bench: Bench, mine: Repo) -> None:
    for name in (*SECRET_NAMES, *HARMLESS_NAMES):
        put(bench.cwd / "out", name)
    said = await upload(bench, source="out")
    assert set(mine.head.files) - {".gitattributes"} == set(HARMLESS_NAMES) - {".gitattributes"}
    assert "left out, known to hold secrets: " in said
    assert f"and {len(SECRET_NAMES) - 20} more" in said


@pytest.mark.parametrize(
    "name", [".env", "prod.env", "id_rsa.bak", "kaggle.json", ".ml-agent/x.txt"]
)
async def test_one_file_with_a_secret_name(
    hub: HubServer, bench: Bench, mine: Repo, name: str
) -> None:
    put(bench.cwd, name)
    assert (await upload(bench, source=name)).startswith(f"Cannot upload {name}: ")
    os.symlink(bench.cwd / name, bench.cwd / "notes.txt")
    assert (await upload(bench, source="notes.txt")).startswith("Cannot upload notes.txt: ")
    if "/" not in name:
        assert (await upload(bench, content="x", path=name)).startswith(f"Cannot upload {name}: ")
    assert not hub.asked(".*/commit/.*")


@pytest.mark.parametrize("kind", SECRET_CONTENTS)
async def test_contents_with_a_secret(hub: HubServer, bench: Bench, mine: Repo, kind: str) -> None:
    content = SECRET_CONTENTS[kind]
    put(bench.cwd, "out/data.bin", content)
    put(bench.cwd, "out/fine.txt")
    assert "data.bin holds what looks like a" in await upload(bench, source="out/data.bin")
    said = await upload(bench, source="out")
    assert "left out, they hold what looks like a" in said
    assert said.partition(" (model")[0].endswith(": data.bin")
    assert set(mine.head.files) - {".gitattributes"} == {"fine.txt"}
    assert A[:20] not in said


@pytest.mark.parametrize("kind", HARMLESS_CONTENTS)
def test_contents_without_one(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "out/data.bin", HARMLESS_CONTENTS[kind])
    found = files_of("out", "", str(tmp_path))
    assert (list(found.contents), found.left_out) == (["data.bin"], {})


@pytest.mark.parametrize("content", [b"\0\1%s\0", b"%s", b"x" * 3_000_000 + b"\0 %s\n"])
async def test_a_value_of_this_machine_refuses_all(
    hub: HubServer, bench: Bench, mine: Repo, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("MY_SERVICE_LOGIN_KEY", "no-shape-at-all")
    put(bench.cwd, "out/model.bin", content.replace(b"%s", b"no-shape-at-all"))
    put(bench.cwd, "out/fine.txt")
    said = await upload(bench, source="out")
    assert said.startswith("model.bin holds the value of MY_SERVICE_LOGIN_KEY: take it out")
    assert not hub.asked(".*/commit/.*")


async def test_links_out_of_the_folder(hub: HubServer, bench: Bench, mine: Repo) -> None:
    put(bench.cwd, "private/notes.txt", b"private")
    put(bench.cwd, "out/a.txt")
    put(bench.cwd, "out/sub/b.txt")
    (bench.cwd / "out/link.txt").symlink_to("../private/notes.txt")
    (bench.cwd / "out/folder").symlink_to("../private")
    (bench.cwd / "out/chain").symlink_to("link.txt")
    (bench.cwd / "out/inner.txt").symlink_to("sub/b.txt")
    (bench.cwd / "out/null").symlink_to("/dev/null")
    (bench.cwd / "out/gone").symlink_to("nowhere")
    os.mkfifo(bench.cwd / "out/pipe")
    said = await upload(bench, source="out")
    assert set(mine.head.files) - {".gitattributes"} == {"a.txt", "sub/b.txt", "inner.txt"}
    assert "left out, links out of the folder: chain, folder, link.txt, null" in said


async def test_links_to_what_is_secret_within_the_folder(
    hub: HubServer, bench: Bench, mine: Repo
) -> None:
    put(bench.cwd, ".env", b"text")
    put(bench.cwd, ".git/config", b"text")
    put(bench.cwd, "a.txt")
    (bench.cwd / "env.txt").symlink_to(".env")
    (bench.cwd / "git.txt").symlink_to(".git/config")
    await upload(bench, source=".")
    assert set(mine.head.files) - {".gitattributes"} == {"a.txt"}


async def test_a_file_that_changes_after_it_was_looked_through(
    hub: HubServer, bench: Bench, mine: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(bench.cwd, "out/a.txt")
    other = put(bench.cwd, "b.txt", f"token = {TOKEN}".encode())

    def swapped(source: str, target: str, cwd: str) -> object:
        found = files_of(source, target, cwd)
        path.unlink()
        path.symlink_to(other)
        return found

    monkeypatch.setattr("tools.hub.repo.commit.files_of", swapped)
    assert "a.txt: it is not a regular file" in await upload(bench, source="out")
    assert not hub.asked(".*/commit/.*")


# --- whether the user is asked ---


def action(mode: str, cwd: Path, allow: str = "", **arguments: str | bool) -> str:
    tools = builtin_tools()
    arguments = {"repo": "ann/mine", **arguments}
    effect = tools["hf_repo"].effect(validated(Call("c", "hf_repo", arguments), tools)[1], str(cwd))
    rules = Rules(allow=(parse_rule(allow, "settings"),) if allow else ())
    return decide("hf_repo", effect, main_words(arguments), Situation(mode, str(cwd), rules)).action


def test_a_source_outside_of_the_working_directory_asks(workdir: Path, tmp_path: Path) -> None:
    put(workdir, "out/a.txt")
    (workdir / "away").symlink_to(tmp_path / "elsewhere")
    assert action("auto", workdir, operation="upload", source="out") == "run"
    for source in ("..", "/srv/data", "~/data", "away", "out/../../x"):
        asked = {m: action(m, workdir, operation="upload", source=source) for m in ("ask", "auto")}
        assert asked == {"ask": "ask", "auto": "ask"}, source
        assert action("read-only", workdir, operation="upload", source=source) == "deny"
        assert action("yolo", workdir, operation="upload", source=source) == "run"
    allowed = action("auto", workdir, "hf_repo(upload *)", operation="upload", source="away")
    assert allowed == "run"


@pytest.mark.parametrize("mode", ["ask", "auto"])
def test_making_something_public_asks(workdir: Path, mode: str) -> None:
    for arguments in (
        {"operation": "update", "visibility": "public"},
        {"operation": "create", "visibility": "public"},
        {"operation": "update", "gated": "off"},
        {"operation": "delete", "remove": True},
    ):
        assert action(mode, workdir, **arguments) == "ask"  # type: ignore[arg-type]
    auto = "run" if mode == "auto" else "ask"
    assert action(mode, workdir, operation="create", visibility="private") == auto
    assert action(mode, workdir, operation="update", visibility="private") == auto


async def test_what_leads_elsewhere_than_it_was_judged_is_not_sent(
    bench: Bench, hub: HubServer, tmp_path: Path
) -> None:
    """A folder and a script are judged by where they lead; a link that is made since is no leave to
    send another one."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.py").write_text("print('private')\n")
    (bench.cwd / "out").symlink_to(tmp_path / "other")
    judged = bench.cwd / "out"
    bench.places = {str(bench.cwd / "out"): str(judged)}
    result = await upload(bench, source="out")
    assert f"leads to {os.path.realpath(tmp_path / 'other')} now" in result
    bench.places = {str(bench.cwd / "out/x.py"): str(judged / "x.py")}
    arguments = {"operation": "run", "flavor": "t4-small", "timeout": "1h", "script": "out/x.py"}
    said = await bench.call("hf_jobs", **arguments)
    assert (said.ok, hub.jobs.jobs) == (False, {})
    assert "leads to" in said.text
