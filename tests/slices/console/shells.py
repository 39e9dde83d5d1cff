"""A shell to draw, as a busy project has it."""

from regulars.console.shell import Account, MenuItem, NavItem, ProjectLink, Rail, SegmentLink, Shell


def shell(project: str = "Tideway Coffee") -> Shell:
    return Shell(
        project=project,
        account=Account("Ines Carvalho", "ines@tideway.example", "owner", "/sign-out"),
        nav=(
            NavItem(
                "People",
                "/people",
                "users",
                "p",
                current=True,
                rail=Rail((SegmentLink("Weekly regulars", "/segments/1", 4812),), "/segments"),
            ),
            NavItem("Inbox", "/inbox", "inbox", "i", unread="7"),
        ),
        settings_url="/settings",
        projects=(
            ProjectLink(project, "/p/1", current=True),
            ProjectLink("Tideway Wholesale", "/p/2"),
        ),
        new=(MenuItem("Note", "sticky-note", opens="note", key="n"),),
        online=38,
        search_url="/people",
        credit="IP Geolocation by DB-IP",
        credit_url="https://db-ip.com",
    )
