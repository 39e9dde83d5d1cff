"""How mails look: colours by day and by night, and the style sheets that carry them. Pure.

What must hold everywhere is set inline (`INLINED`, and MJML's own attributes); what only improves,
the night and narrow screens, stands in the head: mail programs that drop it still show it right.
"""

from __future__ import annotations

from regulars.mail.content.look import Look

GROUND = "#f3f1ec"
PAPER = "#ffffff"
CELL = "#f6f4ef"
RULE = "#e8e4db"
INK = "#22242b"
SOFT = "#65635d"

FONT = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def head(look: Look, *, paper: bool) -> str:
    """What MJML's head holds beside the title."""
    return (
        "<mj-attributes>"
        f'<mj-all font-family="{FONT}" />'
        f'<mj-text font-size="16px" line-height="25px" color="{INK}" padding="0" />'
        '<mj-section padding="0" /><mj-column padding="0" /><mj-image padding="0" />'
        "</mj-attributes>"
        '<mj-raw><meta name="color-scheme" content="light dark" />'
        '<meta name="supported-color-schemes" content="light dark" />'
        '<meta name="format-detection" content="telephone=no, date=no, address=no" /></mj-raw>'
        f"<mj-style>{_NARROW}{_night(look, paper=paper)}</mj-style>"
    )


_NARROW = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media only screen and (max-width: 479px) {
  .r-side > table > tbody > tr > td {
    padding-left: 22px !important;
    padding-right: 22px !important;
  }
  .r-bare > table > tbody > tr > td {
    padding-left: 16px !important;
    padding-right: 16px !important;
  }
  .r-beside > table > tbody > tr > td {
    padding-left: 16px !important;
    padding-right: 16px !important;
  }
  .r-h1 h1 { font-size: 28px !important; line-height: 33px !important; }
  .r-cta table, .r-cta table a { width: 100% !important; box-sizing: border-box; }
  .r-step { display: inline-block !important; width: 16.6% !important; box-sizing: border-box; }
  .r-scale tr { font-size: 0; }
}
"""


def _night(look: Look, *, paper: bool) -> str:
    ground = "#141417" if paper else "#1d1d21"
    return f"""
@media (prefers-color-scheme: dark) {{
  body, .r-ground {{ background: {ground} !important; background-color: {ground} !important; }}
  .r-paper, .r-paper > table {{
    background: #1d1d21 !important;
    background-color: #1d1d21 !important;
  }}
  .r-rich div, .r-h1 div, .r-h2 div, .r-title div, .r-rows table {{ color: #efece6 !important; }}
  .r-rich a, .r-title a {{ color: {look.night_ink} !important; }}
  .r-soft div, .r-quote div, .r-small div, .r-soft a {{ color: #b4b0a8 !important; }}
  .r-quote div {{ border-color: #4a4a52 !important; }}
  .r-brand div {{ color: {look.night_ink} !important; }}
  .r-logo img {{ color: {look.night_ink} !important; }}
  .r-paper, .r-paper > table > tbody > tr > td {{ border-top-color: {look.night_ink} !important; }}
  .r-picture img {{ color: #b4b0a8 !important; background: #26262b !important; }}
  .r-cta td[bgcolor], .r-cta a {{
    background: {look.night_ink} !important;
    color: #141417 !important;
  }}
  .r-rule p {{ border-color: #34343a !important; }}
  .r-row td {{ border-color: #34343a !important; color: #efece6 !important; }}
  .r-cell > table > tbody > tr > td > table {{
    background: #26262b !important;
    background-color: #26262b !important;
    border-left-color: {look.night_ink} !important;
  }}
  .r-step a {{
    background: #26262b !important;
    color: #efece6 !important;
    border-color: #34343a !important;
  }}
}}
"""


def inlined(look: Look) -> str:
    """The rules that are written into the elements."""
    return f"""
.r-rich p {{ margin: 0 0 14px; }}
.r-rich ul, .r-rich ol {{ margin: 0 0 14px; padding: 0 0 0 24px; }}
.r-rich li {{ margin: 0 0 6px; }}
.r-rich a {{ color: {look.letters}; text-decoration: underline; }}
.r-soft a {{ color: {SOFT}; }}
.r-title a {{ color: {INK}; text-decoration: underline; }}
.r-rich code {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 14px; }}
.r-rich p:last-child, .r-rich ul:last-child, .r-rich ol:last-child {{ margin-bottom: 0; }}
.r-foot p:last-child {{ margin-bottom: 0; }}
.r-h1 h1 {{
  margin: 0;
  font-size: 34px;
  line-height: 39px;
  letter-spacing: -1px;
  font-weight: 700;
}}
.r-h2 h2 {{
  margin: 0;
  font-size: 21px;
  line-height: 27px;
  letter-spacing: -0.3px;
  font-weight: 700;
}}
.r-quote div {{ border-left: 3px solid #c5c1b8; padding-left: 14px; }}
.r-picture img {{
  color: {SOFT};
  background: {CELL};
  font-size: 14px;
  line-height: 20px;
  font-family: {FONT};
}}
.r-logo img {{ color: {look.letters}; font-size: 20px; font-weight: 700; font-family: {FONT}; }}
.r-cell > table > tbody > tr > td > table {{ border-left: 4px solid {look.ink}; }}
.r-bare {{ margin: 0 !important; }}
.r-rows td {{ padding: 9px 0; border-bottom: 1px solid {RULE}; vertical-align: top; }}
.r-much {{ text-align: right; white-space: nowrap; padding-left: 16px; }}
.r-total td {{ font-weight: 700; border-bottom: 0; }}
.r-step {{ padding: 2px; text-align: center; }}
.r-step a {{ display: block; padding: 10px 2px; border-radius: 7px; background: {CELL};
  border: 1px solid {RULE}; color: {INK}; font-size: 15px; line-height: 18px; font-weight: 600;
  text-decoration: none; }}
.r-ends {{ margin: 0; }}
.r-low {{ float: left; }}
.r-high {{ float: right; }}
"""
