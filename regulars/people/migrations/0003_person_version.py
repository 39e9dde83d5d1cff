from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0002_list_columns")]
    operations = [sql_file(__file__, "0003_person_version.sql")]
