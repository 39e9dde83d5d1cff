from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("mail", "0005_told")]
    operations = [sql_file(__file__, "0006_drafts_and_pictures.sql")]
