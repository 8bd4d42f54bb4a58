"""Pages for those who are not signed in: a heading, a sentence, a link. They hold no script."""

import html

from starlette.responses import HTMLResponse

from server.guard import SECURITY

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ML Agent</title>
<link rel="stylesheet" href="/static/door.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{words}</p>
{link}
</main>
</body>
</html>
"""


def door_page(
    title: str,
    words: str,
    link: tuple[str, str] = ("", ""),
    *,
    status: int = 200,
    framed_by: str = "",
) -> HTMLResponse:
    """A page with one link, (address, words).

    Args:
        framed_by: the origins that can show it in a frame; its link then opens a tab.
    """
    address, label = (html.escape(part) for part in link)
    target = ' target="_blank" rel="noopener"' if framed_by else ""
    shown = f'<p><a class="button" href="{address}"{target}>{label}</a></p>' if address else ""
    page = _PAGE.format(title=html.escape(title), words=html.escape(words), link=shown)
    headers = {}
    if framed_by:
        policy = SECURITY["content-security-policy"]
        headers["content-security-policy"] = policy.replace(
            "frame-ancestors 'none'", f"frame-ancestors {framed_by}"
        )
    return HTMLResponse(page, status, headers)
