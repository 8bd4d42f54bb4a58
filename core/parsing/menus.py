"""The menu of a documentation page: which pages it names."""


def parse(body: bytes, *, below: str) -> list[tuple[str, str]]:
    """(title, address) of the links whose address holds `below`."""
    from bs4 import BeautifulSoup

    found = BeautifulSoup(body.decode("utf-8", "replace"), "html.parser").select("nav a[href]")
    return [(a.get_text(), str(a["href"])) for a in found if below in str(a["href"])]
