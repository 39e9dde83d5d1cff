from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    initial = True
    dependencies = [("workspaces", "0001_initial"), ("events", "0001_initial")]
    operations = [sql_file(__file__, "0001_webhooks.sql")]
