"""What is known of providers that LiteLLM reaches: addresses, keys, libraries, subscriptions."""

from dataclasses import dataclass

#: Providers of LiteLLM that run on one's own machine and need no key: prefix → (variable of
#: the base URL, where it listens by default).
LOCAL_SERVERS = {
    "ollama": ("OLLAMA_API_BASE", "http://localhost:11434"),
    "ollama_chat": ("OLLAMA_API_BASE", "http://localhost:11434"),
    "lm_studio": ("LM_STUDIO_API_BASE", "http://localhost:1234/v1"),
    "hosted_vllm": ("HOSTED_VLLM_API_BASE", "http://localhost:8000/v1"),
    "llamafile": ("LLAMAFILE_API_BASE", "http://localhost:8080/v1"),
}
#: Servers as people call them → LiteLLM's prefix. Its own `vllm` runs the library in this process.
ALIASES = {
    "lmstudio": "lm_studio",
    "vllm": "hosted_vllm",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
}
#: llama.cpp's server has no prefix of its own: (variable of the base URL, default).
LLAMACPP = ("LLAMACPP_API_BASE", "http://localhost:8080/v1")
#: Providers that need a library next to litellm: prefix → (module, what to install).
LIBRARIES = {"bedrock": "boto3", "bedrock_converse": "boto3", "sagemaker": "boto3"}
#: Variables that hold a provider's key, where `<PREFIX>_API_KEY` is not the name.
KEY_NAMES = {"huggingface": "HF_TOKEN", "hf": "HF_TOKEN", "together_ai": "TOGETHERAI_API_KEY"}
#: Providers whose credentials are more than one variable: theirs to check.
KEYLESS = {"bedrock", "bedrock_converse", "vertex_ai", "sagemaker", "azure", "azure_ai", "watsonx"}


@dataclass(frozen=True)
class Subscription:
    """An account that is signed in to, with LiteLLM's own device sign-in (core/models/sign_in.py).

    Attributes:
        name: as its users call it. token: the method of LiteLLM's authenticator that returns it.
        folder: where LiteLLM keeps it: (variable, default).
    """

    name: str
    token: str
    folder: tuple[str, str]


SUBSCRIPTIONS = {
    "chatgpt": Subscription(
        "ChatGPT", "get_access_token", ("CHATGPT_TOKEN_DIR", "~/.config/litellm/chatgpt")
    ),
    "github_copilot": Subscription(
        "GitHub Copilot",
        "get_api_key",
        ("GITHUB_COPILOT_TOKEN_DIR", "~/.config/litellm/github_copilot"),
    ),
}
