"""Refusals as servers send them: (status, body, the window that the body names)."""

# ruff: noqa: E501

from typing import Any


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


TOO_LONG: dict[str, tuple[int, Any, int | None]] = {
    "llama.cpp": (400, _error("the request exceeds the available context size. try increasing the context size or enable context shift", code=400, type="exceed_context_size_error", n_prompt_tokens=9000, n_ctx=4096), 4096),
    "llama.cpp, new": (400, _error("request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it", code=400, type="exceed_context_size_error"), 4096),
    "LM Studio": (400, {"error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}, 4096),
    "LM Studio, 2": (400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"}, None),
    "vLLM, old": (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens in the messages, Please reduce the length of the messages.", "type": "BadRequestError", "code": 400}, 4096),
    "vLLM, decoder": (400, _error("The decoder prompt (length 9000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens."), 4096),
    "vLLM, input": (400, _error("You passed 9000 input tokens and requested 0 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 4096 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=9000)"), 4096),
    "SGLang": (400, {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (4096 tokens).", "type": "BadRequestError", "code": 400}, 4096),
    "SGLang, 2": (400, {"object": "error", "message": "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 9000 tokens.", "code": 400}, 4096),
    "TGI": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000 `inputs` tokens and 100 `max_new_tokens`", "error_type": "validation"}, 4096),
    "Groq": (400, _error("Please reduce the length of the messages or completion.", code="context_length_exceeded"), None),
    "Groq, rate": (413, _error("Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.", type="tokens", code="rate_limit_exceeded"), None),
    "OpenAI, rate": (429, _error("Request too large for gpt-x in organization o on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.", type="tokens", code="rate_limit_exceeded"), None),
    "OpenRouter": (400, _error('This endpoint\'s maximum context length is 4096 tokens. However, you requested about 9000 tokens (9000 of text input). Please reduce the length of either one, or use the "middle-out" transform.', code=400), 4096),
    "Together": (400, _error("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 9000"), 4097),
    "DeepSeek": (400, _error("This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (130000 in the messages, 10000 in the completion). Please reduce the length of the messages or completion."), 131_072),
    "Kimi": (400, _error("Invalid request: Your request exceeded model token limit: 262144 (requested: 270000)"), 262_144),
    "Fireworks": (400, _error("The prompt is too long: 9000, model maximum context length: 4095"), 4095),
    "Mistral": (400, {"object": "error", "message": "Prompt contains 9000 tokens and 0 draft tokens, too large for model with 4096 maximum context length", "type": "invalid_request_prompt", "code": "3051"}, 4096),
    "Cerebras": (400, {"message": "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192", "code": "context_length_exceeded"}, 8192),
    "xAI": (400, {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}, 131_072),
    "Z.ai": (400, _error("Prompt exceeds max length", code="1261"), None),
    "MiniMax": (400, _error("invalid params, context window exceeds limit (2013)", type="bad_request_error"), None),
    "Qwen": (400, _error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]", code="invalid_parameter_error"), 129_024),
    "Novita": (400, {"detail": "The prompt is longer than the context length of the model"}, None),
    "Copilot": (400, _error("prompt token count of 70000 exceeds the limit of 64000", code="model_max_prompt_tokens_exceeded"), 64_000),
    "a proxy": (413, "<html><head><title>413 Request Entity Too Large</title></head></html>", None),
    "OpenAI": (400, _error("Your input exceeds the context window of this model. Please adjust your input and try again.", code="context_length_exceeded"), None),
    "Anthropic": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 213462 tokens > 200000 maximum"}}, 200_000),
    "Anthropic, both": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input length or `max_tokens` and try again"}}, 200_000),
    "Gemini": (400, _error("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", status="INVALID_ARGUMENT"), 1_048_576),
    "Bedrock": (400, {"message": "Input is too long for requested model."}, None),
    "Cohere": (400, {"message": "too many tokens: total number of tokens in the prompt exceeds the limit of 128000"}, 128_000),
    "Ollama": (400, {"error": "input length exceeds maximum context length"}, None),
}  # fmt: skip

#: Refused for another reason, with words that look alike: (status, body).
OTHERWISE: dict[str, tuple[int, Any]] = {
    "answer too long": (400, _error("max_tokens is too large: 200000. This model supports at most 128000 completion tokens, whereas you provided 200000.", code="invalid_value")),
    "answer, Anthropic": (400, _error("max_tokens: 200000 > 64000, which is the maximum allowed number of output tokens")),
    "rate": (429, _error("Rate limit reached for gpt-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.", code="rate_limit_exceeded")),
    "tools": (400, _error("Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 200 instead.")),
    "picture": (400, _error("image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes")),
    "no such field": (400, _error("Unknown parameter: 'context_window'.")),
    "id": (400, _error("Invalid 'messages[3].tool_call_id': string too long. Expected a string with maximum length 40, but got a string with length 64 instead.")),
    "name": (400, _error("tools.0.custom.name: String should have at most 64 characters")),
    "not found": (404, _error("The model `long-context-window` does not exist")),
    "server": (500, _error("Internal server error")),
}  # fmt: skip

#: The model is not there: (the model asked for, status, body).
NO_MODEL: dict[str, tuple[str, int, Any]] = {
    "OpenAI": ("openai/gpt-5.9", 404, _error("The model `gpt-5.9` does not exist or you do not have access to it.", type="invalid_request_error", code="model_not_found")),
    "OpenAI, project": ("openai/gpt-5.9", 403, _error("Project `proj_x` does not have access to model `gpt-5.9`", type="invalid_request_error", code="model_not_found")),
    "OpenAI, retired": ("openai/gpt-4-32k", 404, _error("The model `gpt-4-32k` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations", code="model_not_found")),
    "Anthropic": ("anthropic/claude-sonet-5-5", 404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-sonet-5-5"}, "request_id": "req_1"}),
    "router, no provider": ("hf/org/gone", 400, _error("The requested model 'org/gone' is not supported by any provider you have enabled.", type="invalid_request_error", code="model_not_supported")),
    "router": ("hf/org/gone-1.5", 400, _error("The requested model 'org/gone-1.5' does not exist", code="model_not_found")),
    "OpenRouter": ("openrouter/a/b", 400, _error("a/b is not a valid model ID", code=400)),
    "OpenRouter, gone": ("openrouter/a/b:free", 404, _error("No endpoints found for a/b:free.", code=404)),
    "Groq": ("groq/mistral-saba-24b", 400, _error("The model `mistral-saba-24b` has been decommissioned and is no longer supported. Please refer to https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.", code="model_decommissioned")),
    "Mistral": ("mistral/mistral-medium-9.5", 400, {"object": "error", "message": "Invalid model: mistral-medium-9.5", "type": "invalid_model", "param": None, "code": "1500"}),
    "DeepSeek": ("deepseek/deepseek-v9", 400, _error("Model Not Exist", type="invalid_request_error", code="invalid_request_error")),
    "xAI": ("xai/grok-9", 404, {"code": "Some requested entity was not found", "error": "The model grok-9 does not exist or your team 1 does not have access to it."}),
    "Together": ("together/a/b", 404, _error("Unable to access model a/b. Please visit https://api.together.ai/models to view the list of supported models.", type="invalid_request_error", code="model_not_available")),
    "Fireworks": ("fireworks/accounts/x/models/y", 404, _error("Model not found, inaccessible, and/or not deployed", code="NOT_FOUND")),
    "Ollama": ("ollama/qwen3.5", 404, {"error": "model 'qwen3.5' not found"}),
    "Ollama, old": ("ollama/qwen3", 404, {"error": 'model "qwen3" not found, try pulling it first'}),
    "vLLM": ("vllm/org/x", 404, {"object": "error", "message": "The model `org/x` does not exist.", "type": "NotFoundError", "code": 404}),
    "LM Studio": ("lmstudio/x", 404, _error("Model not found", code="model_not_found")),
    "Copilot": ("openai/x", 400, _error("The requested model is not supported.", code="model_not_supported")),
}  # fmt: skip

#: Something else is missing: (status, body).
MODEL_IS_THERE: dict[str, tuple[int, Any]] = {
    "no tools": (404, _error("No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing", code=404)),
    "no tools, Ollama": (400, {"error": "registry.ollama.ai/library/gemma:latest does not support tools"}),
    "no thinking": (400, {"error": '"gemma3" does not support thinking'}),
    "no pictures": (400, _error("model does not support image input, or the image was not found")),
    "a field": (400, _error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", code="unsupported_parameter")),
    "a level": (400, _error("Unsupported value: 'reasoning_effort' does not support 'max' with this model.", code="unsupported_value")),
    "an address": (404, {"detail": "Not Found"}),
    "an address as text": (404, "404 page not found"),
    "a key": (403, _error("This model is not available in your country")),
}  # fmt: skip
