from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("mail", "0004_kept_mail"), ("workspaces", "0001_initial")]
    operations = [sql_file(__file__, "0005_told.sql")]
