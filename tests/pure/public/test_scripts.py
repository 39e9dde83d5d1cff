"""What is taken out of a script on its way, and what must not be."""

import re

import pytest

from regulars.public import short_names
from regulars.public.messenger import scripts as messenger
from regulars.public.scripts import squeezed, without_comments
from regulars.public.short_names import shortened


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("// a word\nconst a = 1;\n", "const a=1;"),
        ("/* several\n * lines\n */\nconst a = { b: 1 };\n", "const a={b:1};"),
        ("const a = b + +c;\n", "const a=b + +c;"),
        ("const a = b++ + c;\n", "const a=b++ + c;"),
        ("const a = b - c;\n", "const a=b-c;"),
        ("call(\n  a,\n  b,\n);\n", "call(a,b);"),
        ("if (a) {\n  b();\n}\nc();\n", "if(a){b()}\nc();"),
        ("const a = (b) => b;\n", "const a=b=>b;"),
        ("const a = async (b) => b;\n", "const a=async(b)=>b;"),
        ("const a = (b, c) => b;\n", "const a=(b,c)=>b;"),
        ('const a = "b  =  c; // d";\n', 'const a="b  =  c; // d";'),
        ("const a = `b  ${c}  d`;\n", "const a=`b  ${c}  d`;"),
        ("const a = b.replace(/x  , y/g, c);\n", "const a=b.replace(/x  , y/g,c);"),
        ("const a = b / c / d;\n", "const a=b/c/d;"),
    ],
)
def test_what_no_browser_needs_is_left_out(source: str, served: str) -> None:
    assert squeezed(source).strip() == served


def test_comments_go_and_addresses_stay() -> None:
    source = 'const a = "https://a.example/";  \n  // gone\n/* gone */ const b = 1;\n'
    assert without_comments(source) == 'const a = "https://a.example/";\nconst b = 1;\n'


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("const first=1;call(first)", "const a=1;call(a)"),
        ("const walk=(one,two)=>one+two", "const c=(a,b)=>a+b"),
        ("function walk(one){return one}", "function b(a){return a}"),
        ("const {kept}=from;call(kept)", "const {kept}=from;call(kept)"),
        ("const {kept:made}=from;call(made)", "const {kept:made}=from;call(made)"),
        ("const kept=1;call({kept})", "const kept=1;call({kept})"),
        ("const kept=1;call(it.kept)", "const kept=1;call(it.kept)"),
        ("const kept=1;call({kept:2})", "const kept=1;call({kept:2})"),
        ("const kept=1;call({kept(){}})", "const kept=1;call({kept(){}})"),
        ("const made=1;call(x?made:2)", "const a=1;call(x?a:2)"),
        ("const made=1;call(x?made:{y:made})", "const a=1;call(x?a:{y:a})"),
        ("let made;if(x){made=1}", "let a;if(x){a=1}"),
        ("export const kept=1", "export const kept=1"),
        ("export default function kept(){}", "export default function kept(){}"),
        ('import{kept}from"./a.js";call(kept)', 'import{kept}from"./a.js";call(kept)'),
        ("class Made{kept=1;also(){}}call(Made)", "class a{kept=1;also(){}}call(a)"),
        ('const made=1;call("made")', 'const a=1;call("made")'),
        ("const made=1;call(`made ${made} made`)", "const a=1;call(`made ${a} made`)"),
        ("const made=1;call(`${f({made:1})}`)", "const made=1;call(`${f({made:1})}`)"),
        ("list.filter(Boolean)", "list.filter(Boolean)"),
        ("const made=1;call(document)", "const a=1;call(document)"),
        ("const made=/made/.test(a)", "const b=/made/.test(a)"),
        ("for(const each of all)call(each)", "for(const a of all)call(a)"),
        ("const near=made??other", "const a=made??other"),
    ],
)
def test_only_names_that_are_nothing_else_become_short(source: str, served: str) -> None:
    assert shortened(source) == served


def test_what_was_short_already_keeps_its_name_to_itself() -> None:
    assert shortened("const a=1;const made=2;call(a,made,b)") == "const a=1;const c=2;call(a,c,b)"


@pytest.mark.parametrize("name", ["launcher", "app"])
def test_all_names_of_a_script_stay_apart(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word the same script, but that each name is always one other."""
    served = messenger.messenger_script(name).plain.decode()
    monkeypatch.setattr(messenger, "shortened", str)
    written = messenger._joined.__wrapped__(name)
    before, after = list(short_names._tokens(written)), list(short_names._tokens(served))
    assert [kind for kind, _ in before] == [kind for kind, _ in after]
    together = zip(before, after, strict=True)
    pairs = {(old, new) for (kind, old), (_, new) in together if kind == "name" and old != new}
    assert len(pairs) > 50
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
    assert not {new for _, new in pairs} & {text for kind, text in before if kind == "name"}


def test_every_language_has_every_word() -> None:
    def words(language: str) -> dict[str, set[str]]:
        text = (messenger.SOURCES / "words" / f"{language}.js").read_text("utf-8")
        lines = re.findall(r"^  (\w+): (.*),$", text, re.MULTILINE)
        return {word: set(re.findall(r"\{\w+\}", said)) for word, said in lines}

    english = words("en")
    assert len(english) > 60
    for language in messenger.languages():
        # The numbers of one thing need not be said.
        assert words(language) == english, language


def test_no_style_uses_a_token_that_is_not_there() -> None:
    both = messenger.style_sheet("launcher") + messenger.style_sheet("app")
    painted = {"--brand", "--on", "--tint", "--around", "--top", "--height"}
    used = set(re.findall(r"var\((--[\w-]+)", both))
    declared = set(re.findall(r"[{;](--[\w-]+):", both))
    assert used - declared - painted == set()


def test_the_app_says_by_its_address_which_version_it_is() -> None:
    launcher = messenger.messenger_script("launcher").plain.decode()
    assert messenger.version() in launcher
    assert "__" not in launcher.replace("__proto__", "")
    assert "immutable" in messenger.messenger_script("app", is_exact=True).cache
    assert "immutable" not in messenger.messenger_script("app").cache
    assert "immutable" not in messenger.messenger_script("launcher", is_exact=True).cache
