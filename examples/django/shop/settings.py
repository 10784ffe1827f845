"""A project whose users log in at Latchkey. It has no log-in, no password and no session of its own."""

import os

# Django signs other things with it: nothing of Latchkey.
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "graphene_django",
    "latchkey_auth",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "db.sqlite3"),
        # SQLite alone needs it: a transaction that reads first, and then writes, would fail beside another one.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The same names as in Latchkey.
LATCHKEY_URL = os.environ.get("BASE_URL", "http://localhost:3000")
LATCHKEY_AUDIENCE = os.environ.get("JWT_AUDIENCE", "latchkey")
LATCHKEY_ALGORITHM = os.environ.get("JWT_ALGORITHM", "EdDSA")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["latchkey_auth.authentication.LatchkeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
GRAPHENE = {"SCHEMA": "shop.schema.schema", "MIDDLEWARE": ["latchkey_auth.authentication.LatchkeyMiddleware"]}
