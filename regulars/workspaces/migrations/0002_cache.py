"""Django's cache table: what the limits on signing in count, shared by all processes.

Unlogged: nothing in it outlives a crash of the server, nor needs to.
"""

from django.db import migrations

_MAKE = """
CREATE UNLOGGED TABLE console_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX console_cache_expires ON console_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0001_initial")]
    operations = [migrations.RunSQL(_MAKE, "DROP TABLE console_cache")]
