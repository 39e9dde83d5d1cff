from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_attributes")]
    operations = [sql_file(__file__, "0003_views.sql")]
