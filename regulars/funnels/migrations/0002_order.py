from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("funnels", "0001_initial"), ("segments", "0003_checkpoints")]
    operations = [sql_file(__file__, "0002_order.sql")]
