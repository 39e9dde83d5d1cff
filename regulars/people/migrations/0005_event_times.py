from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0004_last_seen_minute")]
    operations = [sql_file(__file__, "0005_event_times.sql")]
