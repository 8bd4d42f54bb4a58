"""A page of LaTeXML (arXiv's and ar5iv's HTML) as Markdown, formulas as TeX."""

import re


def parse(body: bytes) -> str:
    """Empty if the page holds no document."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    page = BeautifulSoup(body.decode("utf-8", "replace"), "html.parser")
    paper = page.find("article", class_="ltx_document") or page.find(class_="ltx_page_content")
    if paper is None:
        return ""
    for formula in paper.find_all("math"):
        formula.replace_with(f"${formula.get('alttext') or formula.get_text()}$")
    for away in paper.find_all(["script", "style", "nav", "button"]):
        away.decompose()
    for abstract in paper.find_all(class_="ltx_title_abstract"):
        abstract.name = "h2"
    made = MarkdownConverter(heading_style="ATX", escape_misc=False, escape_underscores=False)
    return re.sub(r"\n{3,}", "\n\n", str(made.convert_soup(paper))).strip()
