"""Wire our own clients: OpenAI's chat completions, Anthropic's messages, Ollama's chat.

From the outside in: chat, requests, outgoing; transport, sse; *_answer, parts, calls, arguments.
Nothing here imports litellm or openai.
"""
