"""Throwing away what signing in leaves behind: sessions, links and counters that have run out."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection

from regulars.kit import clock
from regulars.workspaces.models import SignInLink

_KEPT = timedelta(days=30)
_PAUSE = 3600.0  # seconds


def keep_clear(stop: threading.Event) -> None:
    """Until stopped: clear out once an hour. A loop of the worker."""
    while not stop.is_set():
        close_old_connections()
        clear_out(clock.now())
        stop.wait(_PAUSE)


def clear_out(now: datetime) -> int:
    """Delete what nobody can use any more and say how much it was; safe to run at any time."""
    counts = (
        Session.objects.filter(expire_date__lt=now).delete()[0],
        SignInLink.objects.filter(expires_at__lt=now - _KEPT).delete()[0],
        AccessAttempt.objects.filter(attempt_time__lt=now - _KEPT).delete()[0],
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM console_cache WHERE expires < %s", [now])
        counters: int = cursor.rowcount
    return sum(counts) + counters
