"""Whether a browser's header is that of a robot, by the list that `crawlerdetect` keeps.

Headless browsers count as robots: real people do not drive them, monitors and scrapers do. (A
test that wants to be a person sends a person's User-Agent.)

The list is the package's; the search is ours. Its one pattern of 1,462 alternatives takes up to
35 ms for a header made to be slow, which anyone may send; here that is under a millisecond.
"""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from crawlerdetect.providers.crawlers import data as crawlers
from crawlerdetect.providers.exclusions import data as exclusions

from regulars.tracking.enrich.user_agent import MAX_LENGTH

_IS_PATTERN = re.compile(r"\\[A-Za-z\\]|[\[\](){}*+?|^$.](?<!\\.)")
_ESCAPE = re.compile(r"\\(.)")
_ANY_WORD_BEFORE = re.compile(r"^\[a-z0-9\\-_\]\*")  # changes no answer, squares the time


class _Signs(NamedTuple):
    innocent: re.Pattern[str]  # parts that every browser has, taken out first
    words: tuple[str, ...]  # a robot's name, as it stands, in lower case
    patterns: re.Pattern[str]


def is_bot(ua: str) -> bool:
    """Whether a robot sent it; an empty header is nobody's. Never raises."""
    return bool(ua) and _is_bot(ua[:MAX_LENGTH])


def warm() -> None:
    """Compiles the list at boot instead of in the first request."""
    is_bot("Mozilla/5.0")


@lru_cache(maxsize=20_000)
def _is_bot(ua: str) -> bool:
    signs = _signs()
    rest = signs.innocent.sub("", ua.strip())
    lowered = rest.lower()
    return any(word in lowered for word in signs.words) or bool(signs.patterns.search(rest))


@cache
def _signs() -> _Signs:
    patterns = [_ANY_WORD_BEFORE.sub("", crawler) for crawler in crawlers]
    words = [_ESCAPE.sub(r"\1", one).lower() for one in patterns if not _IS_PATTERN.search(one)]
    return _Signs(
        innocent=re.compile("|".join(exclusions), re.IGNORECASE),
        words=tuple(sorted(words, key=len)),
        patterns=re.compile(
            "|".join(one for one in patterns if _IS_PATTERN.search(one)), re.IGNORECASE
        ),
    )
