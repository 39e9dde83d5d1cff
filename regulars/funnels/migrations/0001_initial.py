from datetime import UTC, datetime
from typing import Any

from django.db import migrations

from regulars.kit import database
from regulars.kit.migrate import sql_file

PROJECTS = "SELECT id FROM project ORDER BY id"


def give(_apps: Any, _schema_editor: Any) -> None:
    """Give the projects that there are their funnels, and have everybody counted."""
    from regulars.funnels import beginning  # noqa: PLC0415 - migrations are read without their need

    with database.of_django() as connection:
        for (project_id,) in connection.execute(PROJECTS).fetchall():
            beginning.give_project_its_funnel(connection, project_id, datetime.now(UTC))


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_checkpoints"), ("people", "0008_checkpoints")]
    operations = [
        sql_file(__file__, "0001_funnels.sql"),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
