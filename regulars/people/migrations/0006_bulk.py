from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0005_event_times")]
    operations = [sql_file(__file__, "0006_bulk.sql")]
