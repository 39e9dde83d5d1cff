"""What somebody says in a mail, apart from the older mails that their program put below.

Programs mark the history in four ways: `>` before each line, a line that says who wrote
("On … wrote:", in the writer's language), a divider ("-----Original Message-----"), or a block
that repeats the old mail's headers. Of answers between the quoted lines only what is quoted at the
end is put apart: the rest makes no sense without its quotes. What was forwarded is what the sender
wants to show, and stays. Where nothing else would be left, nothing is put apart.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from regulars.mail.plain import HISTORY

MOST_LINES = 20_000
MOST_LETTERS = 400  # of a line, that are looked at
_UP = 4  # lines that one sentence about who wrote may be broken into

# Each list: English, German, French, Portuguese, Spanish, Italian, Dutch, Nordic, Slavic, Turkish,
# East Asian, Arabic.
_WROTE = (
    r"wrote|writes|schrieb|a écrit|escreveu|escribió|ha scritto|schreef|geschreven|skrev"
    r"|kirjoitti|napisał(?:a|\(a\))?|napsal(?:a|\(a\))?|написал(?:а|\(а\))?|пишет|пише|yazdı"
    r"|さんは書きました|書きました|のメール|写道|寫道|작성|님이 작성|كتب"
)
_ORIGINAL = (
    r"original message|message from|ursprüngliche nachricht|originalnachricht|original-nachricht"
    r"|message d.origine|message original|mensagem original|mensaje original"
    r"|messaggio originale|oorspronkelijk bericht|origineel bericht|ursprungligt meddelande"
    r"|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
    r"|oryginalna wiadomość|původní zpráva|исходное сообщение|оригинальное сообщение"
    r"|orijinal (?:mesaj|ileti)|元のメッセージ|原始邮件|原始郵件|원본 메시지|الرسالة الأصلية"
)
_FORWARDED = (
    r"forwarded|weitergeleitet|transféré|réexpédié|encaminhad|reenviad|inoltrat|doorgestuurd"
    r"|vidarebefordrat|videresend|välitetty|przekazan|přeposlan|пересылаем|iletilen|転送|转发|轉寄"
)
_FROM = (
    r"from|von|de|expéditeur|remetente|da|mittente|van|från|fra|lähettäjä|od|от|від|kimden"
    r"|差出人|发件人|寄件者|보낸 사람|من"
)
_BESIDE = (
    r"sent|date|to|subject|cc|gesendet|datum|an|betreff|envoyé|à|objet|enviad[ao](?: em| el)?|data"
    r"|para|assunto|fecha|asunto|inviato|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne"
    r"|sendt|til|emne|lähetetty|vastaanottaja|aihe|wysłano|do|temat|odesláno|komu|předmět"
    r"|отправлено|дата|кому|тема|надіслано|gönderildi|kime|konu"
    r"|送信日時|宛先|件名|发送时间|收件人|主题|寄件日期|收件者|主旨"
    r"|보낸 날짜|받는 사람|제목|تاريخ|إلى|الموضوع"
)

_QUOTED = re.compile(r"[ \t]{0,3}>")
_ENDS = re.compile(rf"(?:{_WROTE})[^:：]{{0,80}}[:：][ \t*]*$", re.IGNORECASE)
_COLON = re.compile(r"[:：][ \t*]*$")
# How such a sentence begins, where it does not with the date itself.
_OPENS = re.compile(
    r"\W{0,4}(?:on|am|le|em|el|il|op|den|dne|dnia|w dniu|vào|pada|la|a\(z\)|\d)\b", re.IGNORECASE
)
# A time or an address: what every such sentence says, and few others do.
_SAYS_WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|[^\s@]@[^\s@]")
_DIVIDER = re.compile(rf"\W{{0,10}}[-_—=*]{{2,60}}\s{{0,3}}(?:{_ORIGINAL})", re.IGNORECASE)
_PASSED_ON = re.compile(
    rf"(?:[-_—=*]{{2,60}}|begin|anfang).{{0,40}}(?:{_FORWARDED})", re.IGNORECASE
)
_RULE = re.compile(r"[ \t]*[_—-]{5,200}[ \t]*$")
_HEAD = re.compile(rf"\W{{0,4}}(?:{_FROM})\W{{0,4}}[:：]", re.IGNORECASE)
_HEAD_BESIDE = re.compile(rf"\W{{0,4}}(?:{_BESIDE})\W{{0,4}}[:：]", re.IGNORECASE)
_BELOW = 7  # lines of a head that are looked at


class Said(NamedTuple):
    """What is said in a mail, and what is only repeated."""

    text: str
    quoted: str


def split(text: str) -> Said:
    """The text, apart from what it quotes."""
    lines = text.split("\n")[:MOST_LINES]
    told = [line[:MOST_LETTERS] for line in lines]
    cut = _history(told)
    kept = [line for line in lines[:cut] if line != HISTORY]
    gone = [line for line in lines[cut:] if line != HISTORY]
    above = _without_quote(kept)
    said, quoted = above.text.strip("\n"), "\n".join([above.quoted, *gone]).strip("\n")
    if said.strip():
        return Said(said, quoted)
    return Said("\n".join(line for line in lines if line != HISTORY).strip("\n"), "")


def _history(lines: list[str]) -> int:
    """Where the history begins that goes on to the end; the number of lines where there is none."""
    quotes_below = _quotes_below(lines)
    for place, line in enumerate(lines):
        if not line.strip() or _QUOTED.match(line):
            continue
        if _PASSED_ON.match(line):
            return len(lines)
        if _DIVIDER.match(line) or _is_head(lines, place):
            return _with_rule(lines, place)
        if quotes_below[place]:
            continue  # `>` tells better
        if line == HISTORY and not _is_passed_on(lines, place):
            return place
        if _ENDS.search(line):
            begun = _sentence(lines, place)
            if begun is not None:
                return begun
    return len(lines)


def _quotes_below(lines: list[str]) -> list[bool]:
    """For each line whether one below it begins with `>`."""
    below, found = [], False
    for line in reversed(lines):
        below.append(found)
        found = found or bool(_QUOTED.match(line))
    return below[::-1]


def _is_head(lines: list[str], place: int) -> bool:
    """Whether an old mail's headers are repeated here: who from, and two more of them."""
    if not _HEAD.match(lines[place]):
        return False
    beside = [line for line in lines[place + 1 : place + _BELOW] if _HEAD_BESIDE.match(line)]
    return len(beside) >= 2  # noqa: PLR2004 - said above


def _is_passed_on(lines: list[str], place: int) -> bool:
    return any(_PASSED_ON.match(line) for line in lines[place : place + 4])


def _with_rule(lines: list[str], place: int) -> int:
    """The place of the rule above, if there is one, with blank lines between."""
    above = place - 1
    while above >= 0 and (not lines[above].strip() or lines[above] == HISTORY):
        above -= 1
    return above if above >= 0 and _RULE.match(lines[above]) else place


def _sentence(lines: list[str], last: int) -> int | None:
    """Where the sentence begins that ends here and says who wrote when; None where it is none."""
    says_when = None
    for first in range(last, max(last - _UP, -1), -1):
        if not lines[first].strip():
            break
        if _SAYS_WHEN.search(lines[first]):
            says_when = first
        if says_when is not None and _OPENS.match(lines[first]):
            return first
    return says_when


def _without_quote(lines: list[str]) -> Said:
    """The lines without the `>` block that is the answered mail: at the end, or the only one."""
    blocks = _blocks(lines)
    if not blocks:
        return Said("\n".join(lines), "")
    first, last = blocks[-1]
    at_the_end = not any(line.strip() for line in lines[last:])
    above = first - 1
    while above >= 0 and first - above <= 2 and not lines[above].strip():  # noqa: PLR2004
        above -= 1
    begun = None
    if above >= 0 and _COLON.search(lines[above][:MOST_LETTERS]):
        begun = _sentence([line[:MOST_LETTERS] for line in lines[: above + 1]], above)
    alone = len(blocks) == 1 and (begun is not None or above < 0)
    if not (at_the_end or alone):
        return Said("\n".join(lines), "")
    start = first if begun is None else begun
    said = [*lines[:start], *lines[last:]]
    return Said("\n".join(said), "\n".join(lines[start:last]))


def _blocks(lines: list[str]) -> list[tuple[int, int]]:
    """Where blocks of `>` lines begin and end; blank lines may be in them."""
    blocks: list[tuple[int, int]] = []
    begun, last = -1, -1
    for place, line in enumerate(lines):
        if _QUOTED.match(line):
            begun = place if begun < 0 else begun
            last = place + 1
        elif line.strip() and begun >= 0:
            blocks.append((begun, last))
            begun = -1
    return [*blocks, (begun, last)] if begun >= 0 else blocks
