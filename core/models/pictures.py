"""Pictures in a request to a model that does not see."""

from langchain_core.messages import BaseMessage


def without_pictures(message: BaseMessage) -> BaseMessage:
    """`message` for a model that does not see: of each picture a word that it was there."""
    if not isinstance(message.content, list):
        return message
    blocks = [
        {"type": "text", "text": "[a picture, left out]"}
        if isinstance(block, dict) and block.get("type") == "image_url"
        else block
        for block in message.content
    ]
    return message.model_copy(update={"content": blocks})
