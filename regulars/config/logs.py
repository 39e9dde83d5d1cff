"""How processes of Regulars log: one line an event, on standard error."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def configure(level: int = logging.INFO) -> None:
    """Set up the root logger; the chatter of libraries stays out."""
    logging.basicConfig(level=level, format=FORMAT, force=True)
    for chatty in ("uvicorn.error", "procrastinate", "httpx", "axes"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # What a stranger asks for and does not get is no news.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    # They tell a lost connection with pages of traceback; the worker tells it in a line.
    for noisy in ("procrastinate.utils", "procrastinate.worker.worker"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    # A line for every try while the database is away; whoever needs it says so once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
