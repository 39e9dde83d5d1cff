from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("events", "0002_event_rate")]
    operations = [sql_file(__file__, "0003_event_by_name.sql")]
