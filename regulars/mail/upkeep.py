"""Keeps what is known of mail fresh: the DNS of sending domains, failures that count no more,
pictures that no mail shows.
"""

from __future__ import annotations

import logging
import threading
from time import monotonic

from regulars.kit import clock, database
from regulars.mail import domains, picture_upkeep, records, suppressions
from regulars.mail.feedback import Connection
from regulars.mail.services import told

PAUSE = 60.0  # seconds between looks for what is due
TIDY_EVERY = 3600.0

log = logging.getLogger(__name__)


def keep_mail(stop: threading.Event) -> None:
    """Until stopped: look at each sending domain's records once a day."""
    tidied = -TIDY_EVERY
    while not stop.is_set():
        with database.connect() as connection:
            look_at_domains(connection, stop)
            if monotonic() - tidied >= TIDY_EVERY:
                suppressions.forget_old(connection, clock.now())
                told.forget_old(connection, clock.now())
                picture_upkeep.tidy(connection, clock.now())
                tidied = monotonic()
        stop.wait(PAUSE)


def look_at_domains(connection: Connection, stop: threading.Event) -> int:
    """Look at those that nobody has looked at for a day; how many there were."""
    due = connection.execute(domains.TO_CHECK, (clock.now() - domains.LOOK_AGAIN,)).fetchall()
    for project_id, domain_id in due:
        domain = domains.find(connection, project_id, domain_id, clock.now())
        if domain is None or stop.is_set():
            continue
        found = records.look(domain)
        with connection.transaction():
            domains.keep_found(connection, project_id, domain, found, clock.now())
    return len(due)
