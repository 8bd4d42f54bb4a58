"""What a child gets of the environment: what is known to be harmless, and nothing else."""

from pathlib import Path

import pytest

from core.models import loading
from core.secrets.child_environment import child_environment, child_variables
from tests.tools.bench import Bench
from tools.workspace import ripgrep

ALLOWED = ["HF_TOKEN", "GITHUB_TOKEN"]
#: Names of credentials of 170 services and programs, and of ways out of the sandbox.
NAMES = [
    name
    for name in Path(__file__).with_name("credential_names.txt").read_text().split()
    if name not in ALLOWED
]


@pytest.mark.parametrize("name", NAMES)
def test_credentials_are_gone(name: str) -> None:
    found = child_variables({name: "a-value-of-it"}, tokens=ALLOWED)
    assert found.passed == {}
    assert found.withheld == (name,)
    assert child_environment([name], {name: "secret"})[name] == "secret"
    assert child_environment([], {name: "secret"}, also=[name])[name] == "secret"


async def test_a_real_command_sees_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(NAMES) > 145
    for number, name in enumerate(NAMES):
        monkeypatch.setenv(name, f"canary{number:03d}Zq7xK")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    await bench.call("bash", command="env > seen.txt")
    seen = (bench.cwd / "seen.txt").read_text()
    assert "CUDA_VISIBLE_DEVICES=0,1" in seen
    assert "canary" not in seen


HARMLESS = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "LC_ALL": "C.UTF-8",
    "TMPDIR": "/scratch",
    "XDG_CACHE_HOME": "/cache",
    "CUDA_VISIBLE_DEVICES": "0",
    "CUDA_HOME": "/usr/local/cuda",
    "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "ROCR_VISIBLE_DEVICES": "0",
    "HF_HOME": "/hf",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_ENABLE_HF_TRANSFER": "1",
    "TRANSFORMERS_CACHE": "/hf/x",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "4",
    "MKL_NUM_THREADS": "4",
    "VIRTUAL_ENV": "/venv",
    "CONDA_PREFIX": "/conda",
    "PYTHONPATH": "src",
    "PYTHONHASHSEED": "0",
    "UV_CACHE_DIR": "/uv",
    "UV_INDEX_URL": "https://packages.example.org/index",
    "PIP_EXTRA_INDEX_URL": "https://a.example.org/index https://b.example.org/index",
    "HTTPS_PROXY": "http://proxy.example.org:3128",
    "no_proxy": "localhost,127.0.0.1",
    "SSL_CERT_FILE": "/etc/ssl/ca.pem",
    "REQUESTS_CA_BUNDLE": "/etc/ssl/ca.pem",
    "NCCL_DEBUG": "INFO",
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    "SLURM_JOB_ID": "123",
    "WANDB_MODE": "offline",
    "MLFLOW_TRACKING_URI": "http://localhost:5000",
}


def test_what_programs_need_stays() -> None:
    mine = {**HARMLESS, "HF_TOKEN": "hf", "GITHUB_TOKEN": "gh"}
    seen = child_environment(ALLOWED, mine)
    assert {name: seen.get(name) for name in mine} == mine
    assert seen["AI_AGENT"] == "ml-agent"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://me:pass@proxy.example.org:3128"),
        ("http_proxy", "http://me@proxy.example.org:3128"),
        ("UV_INDEX_URL", "https://__token__:abc-123@wheels.example.org/index"),
        ("PIP_EXTRA_INDEX_URL", "https://a.example.org/index https://t0k3n@b.example.org/index"),
        ("UV_DEFAULT_INDEX", "mine=https://me:pass@wheels.example.org/index"),
        ("MLFLOW_TRACKING_URI", "https://me:pass@mlflow.example.org"),
        ("CFLAGS", "-DTOKEN=hf_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7"),
        ("PYTHONWARNINGS", "AbCdEfGh1234IjKlMnOp5678"),
        ("WANDB_PROJECT", "the-same-as-the-key-1"),
    ],
)
def test_a_harmless_name_with_a_credential_in_it_stays_here(name: str, value: str) -> None:
    environ = {name: value, "WANDB_API_KEY": "the-same-as-the-key-1"}
    assert child_variables(environ).passed == {}
    # Named by the user in full, it is theirs to give.
    assert child_variables(environ, also=[name]).passed == {name: value}


def test_a_pattern_of_the_user_lets_no_credential_pass() -> None:
    environ = {
        "MY_DATA": "/data",
        "MY_TOKEN": "abcdefgh",
        "MY_BLOB": "AbCdEfGh1234IjKlMnOp5678",
        "MY_URL": "https://me:pass@example.org",
        "YOUR_DATA": "x",
    }
    assert child_variables(environ, also=["MY_*"]).passed == {"MY_DATA": "/data"}
    assert set(child_variables(environ, also=["MY_*", "MY_TOKEN"]).passed) == {
        "MY_DATA",
        "MY_TOKEN",
    }


def test_a_short_password_does_not_cost_the_path() -> None:
    environ = {"PATH": "/home/letmein/bin:/bin", "DB_PASSWORD": "letmein"}
    assert child_variables(environ).passed == {"PATH": "/home/letmein/bin:/bin"}


async def test_a_setting_adds_names(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DATA", "/data")
    monkeypatch.setenv("YOUR_DATA", "/yours")
    command = "echo ${MY_DATA-none} ${YOUR_DATA-none}"
    assert (await bench.call("bash", command=command)).text.startswith("none none")
    bench.services.settings.child_environment = ["MY_*"]
    assert (await bench.call("bash", command=command)).text.startswith("/data none")


def test_a_setting_can_hold_back_any_token() -> None:
    assert "HF_TOKEN" not in child_environment([], {"HF_TOKEN": "hf"})


def test_variables_that_we_set_for_ourselves_are_not_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in loading._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LITELLM_MODE", "theirs")
    monkeypatch.setattr(loading, "own_variables", set())
    loading.prepare_environment()
    monkeypatch.setattr("core.secrets.child_environment.own_variables", loading.own_variables)
    everything = child_environment(ALLOWED, also=["*"])
    assert set(loading._VARIABLES) & set(everything) == {"LITELLM_MODE"}
    assert everything["LITELLM_MODE"] == "theirs"
    assert "LITELLM_MODE" not in child_environment(ALLOWED)


async def test_searches_get_none_either(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE", "canary")
    fake = bench.cwd / "bin" / "rg"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nenv > {bench.cwd}/seen.txt\n")
    fake.chmod(0o755)
    monkeypatch.setattr(ripgrep, "binary", lambda: str(fake))
    await bench.call("glob", pattern="*.txt")
    assert "canary" not in (bench.cwd / "seen.txt").read_text()


def test_each_change_counts_for_the_next_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command gets is kept only while all that it follows from is the same."""
    monkeypatch.setenv("LANG", "one")
    monkeypatch.setenv("HF_TOKEN", "hf_aTokenOfTheUser0123456789abcdefgh")
    first = child_environment(())
    first["LANG"] = "of the caller"
    assert child_environment(())["LANG"] == "one"
    assert "HF_TOKEN" not in child_environment(())
    assert "HF_TOKEN" in child_environment(("HF_TOKEN",))
    assert "HF_TOKEN" in child_environment((), also=["HF_TOKEN"])
    assert "HF_TOKEN" not in child_environment(())
    monkeypatch.setenv("LANG", "two")
    assert child_environment(())["LANG"] == "two"
    monkeypatch.setattr("core.secrets.child_environment.own_variables", {"LANG"})
    assert "LANG" not in child_environment(())
