"""What has run where it should have been read, and how to tell that it does not.

`TEXTS` is put wherever somebody from outside may write: each would call `alert` if a page took it
for more than text. `watch` a browser before its first page, then ask `harm_in` of every screen: it
finds what ran, what a policy had to stop, and what became part of the page although it is inert.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

RAN = "alert('ran')"
EVIL = "https://evil.example"

TEXTS: tuple[str, ...] = (
    f"<script>{RAN}</script>",
    f"<img src=x onerror={RAN}>",
    f'"><svg onload={RAN}>',
    f"' autofocus onfocus={RAN} x='",
    f"</script><script>{RAN}</script>",
    f"</textarea></title></style><img src=x onerror={RAN}>",
    f'<iframe srcdoc="<script>parent.{RAN}</script>"></iframe>',
    f'<a href="javascript:{RAN}">press</a>',
    f"javascript:{RAN}",
    f"[press](javascript:{RAN})",
    f'{{{{constructor.constructor("{RAN}")()}}}}',
    f"${{{RAN}}}",
    "{% load static %}{{ request|safe }}",
    f"<base href={EVIL}><meta http-equiv=refresh content=0;url={EVIL}>",
    f"\u2028{RAN}//\u202e<b onclick={RAN}>b</b>",
    "<p hx-get=/logout hx-trigger=load data-key=n>press</p>",
    f'{EVIL}/"onmouseover={RAN}//',
    f"<!--><img src=x onerror={RAN}>-->",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror={RAN}>'>",
)

# All contexts at once, for places that show one thing; the first where merge tags are read.
MARKUP = f"Eve '\"><img src=x onerror={RAN}></script><svg/onload={RAN}>"
NAME = f"{MARKUP}{{{{7}}}}"
FILE = f"'\"><img src=x onerror={RAN}>.png"

HTML = f"""
<html><head><title>x</title><base href="{EVIL}"><script>{RAN}</script>
<style>@import "{EVIL}"; body {{ background: url({EVIL}) }}</style></head>
<body onload={RAN}>{"<p>".join(TEXTS)}<img src="{EVIL}/pixel.gif" onerror={RAN}>
<form action="{EVIL}"><input autofocus onfocus={RAN}><button formaction="javascript:{RAN}">Go
</button></form><object data="data:text/html,<script>{RAN}</script>"></object></body></html>
"""

_WATCH = """
window.__harm = [];
for (const name of ["alert", "confirm", "prompt"])
  window[name] = (said) => { window.__harm.push(`${name}: ${said}`); };
addEventListener("securitypolicyviolation", (event) =>
  window.__harm.push(`stopped: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
addEventListener("error", (event) => {
  if (event.error) window.__harm.push(`error: ${event.message}`);
});
"""
_HARM = """
() => {
  const found = [...window.__harm];
  const carries = ["href", "src", "action", "formaction", "xlink:href", "data", "srcdoc"];
  const runs = /^[\\s\\x00-\\x20]*(javascript|vbscript|data:text\\/html)/i;
  const odd = "base, object, embed, iframe[srcdoc], meta[http-equiv=refresh], img[src=x], math";
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      for (const { name, value } of one.attributes) {
        if (/^(hx-)?on/i.test(name)) found.push(`${one.localName}[${name}]`);
        if (carries.includes(name) && runs.test(value)) found.push(`${one.localName} to ${value}`);
        if (name === "hx-get" && value === "/logout") found.push("a request of theirs");
      }
      if (one.matches(odd)) found.push(one.outerHTML.slice(0, 80));
      if (one.localName === "script" && /alert\\(/.test(one.textContent) &&
          one.type !== "application/json") found.push(one.outerHTML.slice(0, 80));
      if (one.shadowRoot) look(one.shadowRoot);
    }
  };
  look(document);
  return found;
}
"""


class Watch:
    """What the pages of a browser were brought to do."""

    def __init__(self, context: BrowserContext) -> None:
        self._away: list[str] = []
        context.add_init_script(_WATCH)
        context.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost", None):
            self._away.append(url)

    def harm_in(self, tab: Page) -> list[Any]:
        """All that went wrong on the page as it is now; an empty list where nothing did."""
        return [*tab.evaluate(_HARM), *(f"asked {url}" for url in self._away)]
