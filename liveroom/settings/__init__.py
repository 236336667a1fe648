"""Django's settings, all of them derived from the environment that `env.py` read.

SQLite (WAL, IMMEDIATE) unless DATABASE_URL says PostgreSQL; no setting here depends on which process reads it."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from liveroom.kernel.web import origins
from liveroom.page.vendor import VENDOR_DIRS
from liveroom.settings import env as _env
from liveroom.settings.console import UNFOLD

__all__ = ["UNFOLD"]

LIVEROOM = _env.read()
# prometheus_client decides at import how it counts; every process of this host shares one folder.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(LIVEROOM.run / "metrics"))
os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], exist_ok=True)
LIVEROOM_ENGINE = "nginx_rtmp"

BASE_DIR = _env.CHECKOUT
SECRET_KEY = LIVEROOM.secret_key
DEBUG = False
# Loopback by name and number always works: nginx' own callbacks and health checks use it.
ALLOWED_HOSTS = ["*"] if not LIVEROOM.production else [*LIVEROOM.hosts, "127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "liveroom.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "channels",
    "liveroom.kernel",
    "liveroom.accounts",
    "liveroom.rooms",
    "streams",
    "moderation",
    "interactions",
    "liveroom.page",
    "liveroom.console",
    "liveroom",
]

MIDDLEWARE = [
    "liveroom.kernel.web.http.TrustedProxyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "liveroom.kernel.web.http.ContentSecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "liveroom.urls"
ASGI_APPLICATION = "liveroom.asgi.application"
AUTH_USER_MODEL = "accounts.Login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/admin/login/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before those of the packages: what we say in their place.
        "DIRS": [BASE_DIR / "liveroom" / "console" / "templates" / "first"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database(url: str) -> dict:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": LIVEROOM.data / "db.sqlite3",
            # Deferred transactions gave 94-97 % "database is locked" under 50 threads; IMMEDIATE with WAL gave none.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
            "TEST": {"NAME": LIVEROOM.data / "test.sqlite3"},
        }
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    # Only kernel/data/sql.py has statements prepared; a pooler in between that cannot follow that takes `prepare_threshold=never`.
    prepare = options.pop("prepare_threshold", "3")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        # Persistent connections leak under ASGI: a pool instead.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {"min_size": 0, "max_size": 8, "timeout": 10},
            "prepare_threshold": int(prepare) if prepare.isdigit() else None,
            **options,
        },
    }


DATABASES = {"default": _database(LIVEROOM.database_url)}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": LIVEROOM.redis_url}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["liveroom.settings.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = LIVEROOM.data / "static"
STATICFILES_DIRS = [(prefix, folder) for prefix, folder in VENDOR_DIRS if folder.is_dir()]
STATICFILES_FINDERS = [
    "liveroom.page.finders.VendorFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
MEDIA_URL = "/media/"
MEDIA_ROOT = LIVEROOM.data / "media"

# What has no host is everybody's: such a page may call the API with a token, and post no form.
CSRF_TRUSTED_ORIGINS = [*filter(origins.is_framing, LIVEROOM.origins), LIVEROOM.public_http]
CORS_ALLOWED_ORIGINS = list(LIVEROOM.origins)
CORS_ALLOW_ALL_ORIGINS = LIVEROOM.any_origin
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "idempotency-key", "room-password", "x-http-method-override"),
    *("tus-resumable", "upload-length", "upload-metadata", "upload-offset", "upload-checksum"),
]
CORS_EXPOSE_HEADERS = [
    *("etag", "retry-after", "location", "tus-resumable", "tus-version", "tus-extension", "tus-max-size"),
    *("tus-checksum-algorithm", "upload-offset", "upload-length", "upload-expires"),
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
_https = LIVEROOM.public_http.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
# Two copies on one host name differ only in the port, which cookies do not see.
SESSION_COOKIE_NAME = f"liveroom_session_{LIVEROOM.http_port}"
CSRF_COOKIE_NAME = f"liveroom_csrf_{LIVEROOM.http_port}"
X_FRAME_OPTIONS = "SAMEORIGIN"
CSRF_FAILURE_VIEW = "liveroom.page.errors.csrf_failed"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "liveroom.accounts.api.authentication.BearerAuthentication",
        "liveroom.accounts.api.authentication.ConsoleAuthentication",
    ],
    # What a view declares for nobody is refused to everybody.
    "DEFAULT_PERMISSION_CLASSES": ["liveroom.accounts.api.access.OpenAsDeclared"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_RENDERER_CLASSES": ["liveroom.kernel.web.strict_json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["liveroom.kernel.web.strict_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "liveroom.kernel.web.problems.problem",
    "UNAUTHENTICATED_USER": "liveroom.kernel.permission.anonymous",
    "UNAUTHENTICATED_TOKEN": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Liveroom",
    "DESCRIPTION": "Rooms, streams and everything viewers feel. Errors are application/problem+json.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RoomStatusEnum": "liveroom.rooms.rules.status.STATUS_CHOICES",
        "PollStatusEnum": ["open", "closed"],
        "QuestionStatusEnum": ["waiting", "shown", "answered", "dismissed"],
        "PlanKindEnum": ["transcode", "record", "snapshot", "watermark", "timeshift"],
        "RelayKindEnum": ["pull", "push", "file"],
        "WatermarkKindEnum": ["text", "image", "clock", "scrolling", "invisible"],
    },
}

CELERY_BROKER_URL = LIVEROOM.redis_url
CELERY_TASK_IGNORE_RESULT = True
# Threads: due jobs wait for databases. More of them than slow jobs may take (kernel/work/due.py), so that prompt ones never wait for those;
# and no worker holds hints that another one could follow now.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 12
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 5, "health_check_interval": 5}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # 4xx are answers, not events; 5xx are logged once with their traceback.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # A due job a second is no news; one that fails says so itself.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},  # hints that are too old to be followed
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "twisted": {"level": "WARNING"},
    },
}
