"""Wire clients of our own: OpenAI's chat completions, Anthropic's messages, Ollama's chat.

    sse           bytes of an answer → events
    transport     one HTTP exchange: a stream of JSON events, or an error with its body
    openai        request and answer of chat completions
    anthropic     request and answer of messages
    ollama        request and answer of Ollama's own chat, which takes the window's size
    parts         what an answer said so far: text, thinking, calls, usage, how it ended
    calls         pieces of tool calls put together; their arguments read
    outgoing      messages and tools as the provider takes them
    chat          the LangChain chat model over these

Nothing here imports litellm or openai.
"""
