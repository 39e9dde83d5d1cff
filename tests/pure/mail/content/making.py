"""Contents, looks and facts that tests of mail share."""

from __future__ import annotations

from typing import Any

from regulars.mail.content.compiling import Rendered, compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.look import Look

LOOK = Look("Tideway Coffee", "Rua do Cais 14\n4050-099 Porto", base_url="https://r.example")
PAT = {"first_name": "Pat", "name": "Pat Doe", "attributes": {"plan": "Pantry"}}


def built(*blocks: dict[str, Any], **rest: Any) -> Content:
    """A content of blocks; each gets an id."""
    numbered = [{"id": f"b{place}", **block} for place, block in enumerate(blocks)]
    return Content.from_json({"subject": "Hello", "blocks": numbered, **rest})


def own(source: str, **rest: Any) -> Content:
    """A content of somebody's own HTML."""
    return Content.from_json({"format": "html", "subject": "Hello", "source": source, **rest})


def text(html: str) -> dict[str, Any]:
    return {"type": "text", "html": html}


def filled(content: Content, *, marketing: bool = False, **facts: Any) -> Rendered:
    """The mail for Pat, or for the facts that are given."""
    known = {"person": PAT, "unsubscribe_url": "https://r.example/u/1", **facts}
    return compile_content(content, LOOK, marketing=marketing).render(known)
