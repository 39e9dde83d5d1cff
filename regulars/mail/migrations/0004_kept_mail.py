from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("mail", "0003_templates")]
    operations = [sql_file(__file__, "0004_kept_mail.sql")]
