"""An email to many: filled in, signed and delivered, beside a bare loop of SMTP.

    python -m tests.bench.emails

Starts an installation whose worker mails to a sink on this machine, Postfix's smtp-sink where it is
installed; then as many sends of one constant message over as many connections to the same sink, by
the same client, with nothing written down. docs/reference/benchmarks.md says what each figure
means. `REGULARS_BENCH_RECIPIENTS` is how many people get it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from regulars.campaigns import email_queries, emails, ledger, quick
from regulars.mail import courier, dkim, domains, smtp
from regulars.mail.letters import Mailbox
from regulars.people.selection import Everyone
from tests.bench.cpu import Parts
from tests.faults.test_emails import Post
from tests.running import free_port, running

RECIPIENTS = int(os.environ.get("REGULARS_BENCH_RECIPIENTS", "50000"))
CONNECTIONS = 5
SMTP_SINK = Path("/usr/sbin/smtp-sink")
A_STEP = 0.5  # seconds between looks
DOMAIN = "tideway.example"


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="regulars-bench")))
        port = free_port()
        sink = subprocess.Popen(_sink(port))
        stack.callback(sink.kill)
        settings = {"REGULARS_SMTP_URL": f"smtp://127.0.0.1:{port}"}
        up = stack.enter_context(running(folder / "data", settings=settings))
        post = Post(up, folder / "arrived", port)
        post.know(RECIPIENTS)
        rate, memory, costs = _product(post, sink.pid)
        bare = asyncio.run(_reference(port, min(RECIPIENTS, 10_000)))
    print(f"recipients                      {RECIPIENTS:>10,}")
    print(f"emails/s, the product           {rate:>10,.0f}")
    print(f"sends/s, one constant message   {bare:>10,.0f}")
    print(f"of that                         {rate / bare:>10.2f}")
    print(f"memory after a tenth, MB        {memory[0]:>10,.0f} of the worker and its writers")
    print(f"memory at most, MB              {memory[1]:>10,.0f}")
    print(f"CPU a mail, µs                  {costs}")


def _sink(port: int) -> list[str]:
    """The command of a server that takes everything: Postfix's where it is there, else ours."""
    if SMTP_SINK.exists():
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return [str(SMTP_SINK), *user, f"127.0.0.1:{port}", "100"]
    return [sys.executable, "-m", "tests.bench.smtp_sink", str(port)]


def _product(post: Post, sink: int) -> tuple[float, tuple[float, float], str]:
    """Emails a second from the acceptance to the last one's row, the memory and the CPU it took."""
    with post.connect() as connection:
        now = datetime.now(UTC)
        signed = _sign(post)
        with connection.transaction():
            email_id = emails.create(
                connection,
                post.project_id,
                content=quick.content_of("Beans, {{ person.first_name }}", LETTER),
                kind="transactional",
                sender=Mailbox(f"hello@{DOMAIN}", "Tideway"),
                now=now,
            )
            emails.set_audience(
                connection, post.project_id, email_id, Everyone(kind="user"), now, zone=UTC
            )
            ledger.begin(connection, post.project_id, email_id, now)
        while (
            ledger.gather(connection, post.project_id, email_id, now, seconds=60).state
            != "gathered"
        ):
            time.sleep(A_STEP)
        with connection.transaction():
            emails.accept(connection, post.project_id, email_id, now)
        parts = Parts(post.up.data, sink=sink)
        began, first, most = time.monotonic(), 0.0, 0.0
        while emails.get(connection, post.project_id, email_id).state != "sent":
            time.sleep(A_STEP)
            sent = email_queries.counts(connection, post.project_id, email_id).sent
            if sent >= RECIPIENTS / 10:  # writers have started, and every cache has seen some
                held = parts.memory()
                first, most = first or held, max(most, held)
        took = time.monotonic() - began
        counts = email_queries.counts(connection, post.project_id, email_id)
    print(f"signed with {', '.join(signed) or 'nothing'}; sent {counts.sent:,}")
    return counts.sent / took, (first, most), parts.each(counts.sent)


LETTER = "Hi {{ person.first_name | default: 'there' }},\n\n" + "\n\n".join(
    ["New beans are in: https://tideway.example/beans. Come and try them."] * 8
)


def _sign(post: Post) -> list[str]:
    """Keys for the sender's domain, in use from now on."""
    os.environ["REGULARS_DATA"] = str(post.up.data)
    with post.connect() as connection, connection.transaction():
        now = datetime.now(UTC)
        domains.ensure(connection, post.project_id, DOMAIN, now)
        connection.execute(
            "UPDATE dkim_key SET used_from = %s WHERE project_id = %s", (now, post.project_id)
        )
        found = dkim.signer_of(connection, post.project_id, f"hello@{DOMAIN}")
    return [key.algorithm for key in found.keys] if found else []


async def _reference(port: int, count: int) -> float:
    """Sends a second of one constant message, nothing else being done."""
    server = smtp.server_of(f"smtp://127.0.0.1:{port}", "http://localhost")
    raw = (f"Subject: Beans\r\n\r\n{LETTER}\r\n" * 3).replace("\n", "\r\n").encode()
    left = iter(range(count))

    async def line() -> None:
        one = await courier.call(server)
        for number in left:
            await one.send(f"hello@{DOMAIN}", f"p{number}@example.com", raw)
        await one.close()

    began = time.monotonic()
    await asyncio.gather(*(line() for _ in range(CONNECTIONS)))
    return count / (time.monotonic() - began)


if __name__ == "__main__":
    main()
