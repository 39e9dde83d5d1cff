from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0003_person_version")]
    operations = [sql_file(__file__, "0004_last_seen_minute.sql")]
