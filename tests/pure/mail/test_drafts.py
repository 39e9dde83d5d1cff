"""Two who write one draft: whose save takes whose place."""

from __future__ import annotations

import pytest

from regulars.mail.drafts import ANYHOW, ChangedError, Save, Stand, said, takes_place

KEPT = Stand(version=4, tab="alices", step=7)


@pytest.mark.parametrize(
    ("save", "takes"),
    [
        (Save(4, "bobs", 1), True),  # began with what is kept
        (ANYHOW, True),
        (Save(2, "alices", 8), True),  # never late behind itself
        (Save(4, "alices", 7), False),  # the same words once more
        (Save(3, "alices", 6), False),  # overtaken by its own newer save
    ],
)
def test_a_save_takes_the_place_of_older_words(save: Save, takes: bool) -> None:
    assert takes_place(KEPT, save) is takes


def test_who_began_with_something_older_is_told() -> None:
    with pytest.raises(ChangedError) as late:
        takes_place(KEPT, Save(3, "bobs", 9))
    assert late.value.version == 4


@pytest.mark.parametrize("sent", [("x", "<b>", "-1"), ("9" * 40, "", ""), ("", "a b", "1e9")])
def test_what_a_form_sends_is_read_or_left_out(sent: tuple[str, str, str]) -> None:
    assert said(*sent) == ANYHOW
