"""Background jobs: procrastinate, reached through Django's connection settings.

Jobs are deferred inside the transaction that needs them, so a job exists exactly when its cause
does. `worker_app` is what the worker process runs.
"""

from __future__ import annotations

from typing import cast

from procrastinate import App
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django.django_connector import DjangoConnector


def worker_app() -> App:
    """The job queue with a connector of its own, for the worker process."""
    connector = cast("DjangoConnector", django_app.connector)
    return django_app.with_connector(connector.get_worker_connector())
