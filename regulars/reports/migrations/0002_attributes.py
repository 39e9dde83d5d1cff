from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_rollups")]
    operations = [sql_file(__file__, "0002_attributes.sql")]
