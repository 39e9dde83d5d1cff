from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("funnels", "0004_found"), ("segments", "0009_evaluated")]
    operations = [sql_file(__file__, "0005_found.sql")]
