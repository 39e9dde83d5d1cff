"""The code that the Identity verification page offers to copy, run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regulars.console import identity_snippets as snippets
from regulars.console.identity_snippets import Snippet
from regulars.tracking.pipeline.claims import proves

SECRET = "5f" * 32
USERS = ["u_4812", "4812", "Ana Ruiz <ana@example.com>", "ünïcode-利用者", "a\"b'c\\d"]

# How a file in each language says what a user's token is.
ASK = {
    "py": "import sys\nprint(regulars_token(sys.argv[1]), end='')",
    "js": "process.stdout.write(regularsToken(process.argv[2]))",
    "php": "echo regulars_token($argv[1]);",
    "rb": "print regulars_token(ARGV[0])",
}
FILE = {"py": "sign.py", "js": "sign.mjs", "php": "sign.php", "rb": "sign.rb"}

HOW_TO = Path(__file__).parents[3] / "docs/how-to/verify-identity.md"


def _interpreter(snippet: Snippet) -> str | None:
    beside = Path(sys.executable).parent
    return {
        "py": sys.executable,
        "js": shutil.which("node", path=f"{beside}{os.pathsep}{os.environ['PATH']}"),
        "php": shutil.which("php"),
        "rb": shutil.which("ruby"),
    }[snippet.key]


# Python and Node are always here; PHP and Ruby where the machine has them.
RUN = [snippet for snippet in snippets.SNIPPETS if _interpreter(snippet)]


def _signed(snippet: Snippet, code: str, user: str, folder: Path) -> str:
    file = folder / FILE[snippet.key]
    file.write_text(f"{code}\n{ASK[snippet.key]}\n", encoding="utf-8")
    done = subprocess.run(
        [_interpreter(snippet) or "", str(file), user],
        env={**os.environ, "IDENTITY_SECRET": SECRET},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("snippet", RUN, ids=lambda snippet: snippet.label)
def test_a_signature_made_by_the_snippet_is_believed(
    snippet: Snippet, user: str, tmp_path: Path
) -> None:
    token = _signed(snippet, snippet.hmac, user, tmp_path)
    assert proves(token, user, SECRET, datetime.now(UTC))
    assert not proves(token, user + "x", SECRET, datetime.now(UTC))


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("snippet", RUN, ids=lambda snippet: snippet.label)
def test_a_token_made_by_the_snippet_is_believed_for_an_hour(
    snippet: Snippet, user: str, tmp_path: Path
) -> None:
    token = _signed(snippet, snippet.jwt, user, tmp_path)
    now = datetime.now(UTC)
    assert proves(token, user, SECRET, now)
    assert not proves(token, user + "x", SECRET, now)
    assert not proves(token, user, SECRET[:-1], now)
    assert proves(token, user, SECRET, now + timedelta(minutes=59))
    assert not proves(token, user, SECRET, now + timedelta(minutes=62))


def test_python_and_node_are_among_those_that_are_run() -> None:
    assert {"py", "js"} <= {snippet.key for snippet in RUN}


def test_the_how_to_shows_the_page_s_code() -> None:
    assert f"```python\n{snippets.PYTHON.jwt}\n```" in HOW_TO.read_text(encoding="utf-8")
