"""Which addresses are fetched without a question.

A request tells its address to a stranger's server, so an address can carry data out: whoever makes
the model obey a page could send a file's content that way. No filter finds all encodings. So the
question is whose idea the address is: the user's, a search engine's, or the model's.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urldefrag

from core.effects import Effect

#: Sites whose owners do not see what a stranger's address asks for: documentation, papers, code.
#: No host below which anyone can have a server or statistics of their own (*.github.io,
#: *.readthedocs.io, *.hf.space).
SITES = frozenset({
    "huggingface.co", "hf.co", "arxiv.org", "export.arxiv.org", "ar5iv.org",
    "ar5iv.labs.arxiv.org", "openreview.net", "aclanthology.org", "github.com",
    "raw.githubusercontent.com", "docs.github.com", "docs.python.org",
    "packaging.python.org", "pytorch.org", "docs.pytorch.org", "tensorflow.org", "keras.io",
    "jax.dev", "docs.jax.dev", "numpy.org", "scipy.org", "docs.scipy.org", "pandas.pydata.org",
    "docs.pola.rs", "arrow.apache.org", "spark.apache.org", "scikit-learn.org", "matplotlib.org",
    "xgboost.readthedocs.io", "docs.vllm.ai", "docs.ray.io", "docs.wandb.ai", "mlflow.org",
    "lightning.ai", "deepspeed.ai", "docs.nvidia.com", "developer.nvidia.com", "docs.astral.sh",
    "docs.docker.com", "docs.anthropic.com", "platform.openai.com", "ai.google.dev",
    "en.wikipedia.org", "stackoverflow.com",
})  # fmt: skip
#: Characters behind the host that are not wonder: paths of documentation have up to about 150.
LONGEST = 200
#: So many letters and digits in one piece are not word. It is what 24 bytes take in Base64; a git
#: commit (40) is one too, so it counts on other sites than SITES alone.
PIECE = re.compile(r"[A-Za-z0-9+=%~]{32,}")
#: Ends of a name in the user's words that make it a host without `https://`: `train.py` is a file.
ENDS = "com|org|net|edu|gov|int|io|ai|dev|app"
URL = re.compile(r"https?://[^\s<>\"'`)\]}|\\]+", re.IGNORECASE)
BARE = re.compile(rf"(?<![\w@./-])(?:[\w-]+\.)+(?:{ENDS})(?![\w-]|\.\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """hosts: those that the user named, in a message or in the settings (`*.example.org` for all
    below). urls: whole addresses that the user or a search result named."""

    hosts: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()


def whole_url(url: str) -> str:
    """What a fetch of `url` asks for: https where it names no scheme."""
    return url if "://" in url else f"https://{url}"


def host_of(url: str) -> str:
    """The host that a request goes to; "" for what names none, or could be taken for another."""
    # The same reader as that of the request: two may find two hosts in one text.
    import httpx

    try:
        found = httpx.URL(whole_url(url))
        if found.userinfo or "\\" in url:
            return ""
        return found.host.lower().rstrip(".").removeprefix("www.")
    except (httpx.InvalidURL, ValueError):
        return ""


def addresses_in(text: str) -> Known:
    """The hosts and whole addresses that a text names."""
    urls = [url.rstrip(".,;:!?*_") for url in URL.findall(text)]
    hosts = {host_of(name) for name in (*urls, *BARE.findall(text))}
    return Known(frozenset(hosts - {""}), frozenset(map(_plain, urls)))


def with_question(effect: Effect, known: Known) -> Effect:
    """`effect` as it is judged: its address is taken out, and if the user is to be asked about
    that, the reason is there."""
    url, effect = effect.url, replace(effect, url="")
    if not url or effect.asks or _plain(url) in known.urls:
        return effect
    host = host_of(url)
    is_site = host in SITES
    why = _unusual(url, is_site)
    if why:
        said = f"the address {why}, which can carry data to {host or 'a server'}"
        return replace(effect, asks=said, asks_in=("ask", "auto"))
    if is_site or _is_named(host, known.hosts):
        return effect
    said = f"neither the user nor a search result named {host or url[:100]}"
    return replace(effect, asks=said, asks_in=("ask",))


def _unusual(url: str, is_site: bool) -> str:
    """What makes an address look like one that carries data; "": nothing."""
    _, _, behind = urldefrag(whole_url(url))[0].partition("://")
    host, _, rest = behind.partition("/")
    if len(rest) > LONGEST or len(host) > 100:
        return f"has {len(behind)} characters"
    if not is_site and PIECE.search(behind):
        return "has a long part that is not a word"
    return ""


def _is_named(host: str, hosts: frozenset[str]) -> bool:
    if host in hosts:
        return True
    return any(name.startswith("*.") and host.endswith(name[1:]) for name in hosts)


def _plain(url: str) -> str:
    """An address as it is compared: without its fragment, which no request sends."""
    return urldefrag(whole_url(url))[0].rstrip("/")
