"""The peer's settings: our tables, REST framework as it comes, no middleware of ours, connections that are kept."""

from liveroom import settings as ours

globals().update({name: getattr(ours, name) for name in dir(ours) if name.isupper()})

ROOT_URLCONF = "tests.bench.rest.plain"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
DATABASES = ours.DATABASES
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["OPTIONS"].pop("pool", None)
