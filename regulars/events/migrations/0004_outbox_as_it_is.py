from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("events", "0003_event_by_name")]
    operations = [sql_file(__file__, "0004_outbox_as_it_is.sql")]
