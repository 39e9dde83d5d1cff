from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0004_member_of_activity")]
    operations = [sql_file(__file__, "0005_campaigns.sql")]
