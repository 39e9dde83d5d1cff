from typing import Any

from django.db import migrations

from regulars.kit.migrate import sql_file
from regulars.kit.text import fold


def fold_notes(_apps: Any, editor: Any) -> None:
    """Notes that are there already: SQL folds otherwise than Python, so Python does it."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT project_id, id, text FROM note")
        rows = [(fold(text), project_id, id_) for project_id, id_, text in cursor.fetchall()]
        cursor.executemany("UPDATE note SET words = %s WHERE project_id = %s AND id = %s", rows)


class Migration(migrations.Migration):
    dependencies = [("inbox", "0005_notices")]
    operations = [
        sql_file(__file__, "0006_note_search.sql"),
        migrations.RunPython(fold_notes, migrations.RunPython.noop),
        sql_file(__file__, "0007_note_search_index.sql"),
    ]
