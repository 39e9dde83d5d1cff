"""Django's settings, derived from the installation's environment variables.

Nothing here is meant to be edited by an operator: what can be set is a documented variable that
`kit.environment` reads.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from regulars.kit import environment

_env = environment.read()
_base = urlsplit(_env.base_url)
_https = _base.scheme == "https"
_package = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = _env.secret_key
ROOT_URLCONF = "regulars.config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None  # `config.logs` sets up logging for every kind of process

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "django_htmx",
    "procrastinate.contrib.django",
    "regulars.workspaces",
    "regulars.events",
    "regulars.people",
    "regulars.segments",
    "regulars.funnels",
    "regulars.reports",
    "regulars.mail",
    "regulars.campaigns",
    "regulars.inbox",
    "regulars.webhooks",
    "regulars.tracking",
    "regulars.console",
    "regulars.public",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "regulars.console.headers.ContentSecurityPolicy",
    "regulars.console.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# The database


def _database(url: str | None) -> dict[str, Any]:
    """Django's words for a libpq connection string; nothing where none is named yet."""
    if url is None:
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "regulars"}
    parts = dict(conninfo_to_dict(url))
    named = {
        key: str(parts.pop(libpq, None) or "")
        for key, libpq in (
            ("NAME", "dbname"),
            ("USER", "user"),
            ("PASSWORD", "password"),
            ("HOST", "host"),
            ("PORT", "port"),
        )
    }
    pool = {"min_size": 0, "max_size": 16, "timeout": 5, "reconnect_timeout": 1}
    options = {"application_name": "regulars console", "connect_timeout": 5, **parts, "pool": pool}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **named,
        "OPTIONS": options,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # they don't survive a pooler in transaction mode
    }


DATABASES = {"default": _database(_env.database_url)}

# Counters that all processes share: sign-in limits, codes that were used. See the migration
# `workspaces/0002_cache`.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "console_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}


# Where it is reached. Only the hosts of the base URL and this machine's own names are served:
# whoever opens the console by another name is told to set REGULARS_BASE_URL.

ALLOWED_HOSTS = sorted({_base.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]
USE_X_FORWARDED_HOST = False  # proxies that REGULARS_TRUSTED_PROXIES names are resolved by uvicorn

SESSION_COOKIE_NAME = "__Host-regulars_session" if _https else "regulars_session"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-regulars_csrf" if _https else "regulars_csrf"
SECURE_HSTS_SECONDS = int(timedelta(days=30).total_seconds()) if _https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"


# Signing in: django-allauth for the password, the one-time codes and the steps between,
# django-axes for the lockout.

AUTH_USER_MODEL = "workspaces.Agent"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "regulars.workspaces.authentication.PasswordBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/signin"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "regulars.console.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_COOKIE_AGE = SESSION_COOKIE_AGE
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=15).total_seconds())
# Per address the lockout below is stricter; this is what a guesser with many addresses meets.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "60/h/key",
    "reauthenticate": "20/m/user",
}
MFA_ADAPTER = "regulars.console.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Regulars"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_FORM_FIELD = "email"
AXES_USERNAME_CALLABLE = "regulars.workspaces.authentication.name_tried"
AXES_CLIENT_IP_CALLABLE = "regulars.console.access.ip_of"
AXES_CLIENT_STR_CALLABLE = "regulars.workspaces.authentication.told_in_logs"
AXES_LOCKOUT_CALLABLE = "regulars.console.signin.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "email", "login", "code", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_VERBOSE = False


# Language and time

USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_TZ = True
TIME_ZONE = "UTC"


# Static files. Their address holds a hash of all their contents, so browsers may keep them for
# good, and a new version is a new address: no collecting step, no manifest.


def _contents(folder: Path) -> str:
    digest = blake2b(digest_size=6)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


STATICFILES_DIRS = [_package / "static"]
STATIC_URL = f"/static/{_contents(STATICFILES_DIRS[0])}/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/"


# Mail that Django itself sends; without a server it is kept in the data folder.

_smtp = urlsplit(_env.smtp_url or "")
EMAIL_BACKEND = (
    f"django.core.mail.backends.{'smtp' if _smtp.hostname else 'filebased'}.EmailBackend"
)
EMAIL_FILE_PATH = str(_env.data / "outbox")
EMAIL_HOST = _smtp.hostname or ""
EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_smtp.username or "")
EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
EMAIL_USE_SSL = _smtp.scheme == "smtps"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = f"Regulars <regulars@{_base.hostname or 'localhost'}>"
