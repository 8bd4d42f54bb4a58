"""A picture as a model takes it: small enough to be sent."""

import base64
import io

from core.errors import ToolError

#: Pixels of the longest side and bytes above which providers shrink or refuse a picture.
SIDE, BYTES = 1568, 1_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def picture(content: bytes, *, name: str, format: str) -> tuple[str, dict[str, str]]:
    """(what it is in words, {"mime_type", "base64"}); shrunk where it is too large, the first
    picture of an animation. Raises ToolError for a file that is broken."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        # Only the formats that models take: Pillow knows many more, some through other programs.
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            told = f"{name}: {format.removeprefix('image/')}, {opened.width}×{opened.height} pixels"
            told += f", {len(content):,} bytes"
            moving = getattr(opened, "n_frames", 1) > 1
            if max(opened.size) <= SIDE and len(content) <= BYTES and not moving:
                opened.load()  # a file that is cut off must not reach a provider
                return told, _packed(format, content)
            shrunk: Image.Image = ImageOps.exif_transpose(opened)
            shrunk.thumbnail((SIDE, SIDE))
            kind, smaller = _encoded(shrunk)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ToolError(f"{name} is not a picture that can be read: {error}") from None
    except Image.DecompressionBombError:
        raise ToolError(f"{name} has too many pixels to be opened") from None
    shown = "the first picture of it" if moving else f"shown at {shrunk.width}×{shrunk.height}"
    return f"{told}; {shown}", _packed(kind, smaller)


def _encoded(picture) -> tuple[str, bytes]:  # type: ignore[no-untyped-def]
    """The picture as PNG, or as JPEG where that would be too large."""
    target = io.BytesIO()
    picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(target, "PNG")
    if target.tell() <= BYTES:
        return "image/png", target.getvalue()
    target = io.BytesIO()
    picture.convert("RGB").save(target, "JPEG", quality=85)
    return "image/jpeg", target.getvalue()


def _packed(kind: str, content: bytes) -> dict[str, str]:
    return {"mime_type": kind, "base64": base64.b64encode(content).decode()}
