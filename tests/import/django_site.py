"""Makes users with a real Django, and dumps them with its own `dumpdata`: django_site.py SITE"""

import io
import sys
import uuid
from datetime import timedelta

import people

people.seed()

import django
from django.conf import settings

SITE = sys.argv[1]
APPS = {
    "auth": [],
    "natural": ["allauth", "allauth.account"],
    "graphql_auth": ["graphene_django", "graphql_jwt.refresh_token.apps.RefreshTokenConfig", "graphql_auth"],
    "allauth": ["allauth", "allauth.account"],
    "custom": ["members"],
    "otp": ["django_otp", "django_otp.plugins.otp_totp", "django_otp.plugins.otp_static", "django_otp.plugins.otp_hotp"],
    "mfa": ["allauth", "allauth.account", "allauth.mfa"],
}[SITE]
HASHERS = ["PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "MD5"]
# Django 3.2 has no scrypt; Django 5.2 has no unsalted MD5 any more.
HASHERS += ["UnsaltedMD5"] if SITE == "graphql_auth" else ["Scrypt"]

settings.configure(
    SECRET_KEY="only for these exports",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", *APPS],
    MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"] if "allauth" in APPS else [],
    PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher" for name in HASHERS],
    AUTH_USER_MODEL="members.Member" if SITE == "custom" else "auth.User",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    GRAPHENE={"SCHEMA": ""},
    USE_TZ=True,
    MFA_SUPPORTED_TYPES=["totp", "recovery_codes", "webauthn"],
    ALLOWED_HOSTS=["accounts.example"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
)
django.setup()

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command

call_command("migrate", verbosity=0, run_syncdb=True)
User = get_user_model()


def user(name, hasher="pbkdf2_sha256", **fields):
    number = User.objects.count()
    fields.setdefault("email", f"{name}@example.com")
    fields.setdefault("password", make_password(people.password(name), hasher=hasher))
    fields.setdefault("date_joined", people.JOINED + timedelta(days=number))
    return User.objects.create(username=name, **fields)


def auth():
    hashers = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt"]
    for hasher in [*hashers, "unsalted_md5" if SITE == "graphql_auth" else "scrypt", "md5"]:
        user(hasher.replace("_", "-"), hasher)
    user("staff", is_staff=True, last_login=people.LAST_LOGIN)
    user("root", is_staff=True, is_superuser=True)
    user("inactive", is_active=False)
    user("unusable", password=make_password(None))
    user("unnamed", first_name="Ünal \"Ü\" Ağaoğlu", last_name="O'Hara\\Øst 😀", email="Un.Named@Example.COM")
    user("addressless", email="")
    user("@+.-_", email="signs+tag@example.com")


def graphql_auth():
    from graphql_auth.models import UserStatus

    auth()
    for name in ["verified", "archived", "second", "both"]:
        user(name)
    status = lambda name, **fields: UserStatus.objects.filter(user__username=name).update(**fields)
    for one in User.objects.all():
        UserStatus.objects.get_or_create(user=one)
    for name in ["verified", "second", "both", "staff", "root"]:
        status(name, verified=True)
    status("archived", archived=True)
    status("second", secondary_email="second.address@example.com")
    status("both", archived=True, secondary_email="both.address@example.com")


def allauth():
    from allauth.account.models import EmailAddress

    def address(name, email, **fields):
        EmailAddress.objects.create(user=User.objects.get(username=name), email=email, **fields)

    for name in ["verified", "unverified", "second", "second-unverified", "primary", "none"]:
        user(name)
    address("verified", "verified@example.com", verified=True, primary=True)
    address("unverified", "unverified@example.com", verified=False, primary=True)
    # A second address comes before the first one.
    address("second", "second.address@example.com", verified=True, primary=False)
    address("second", "second@example.com", verified=True, primary=True)
    address("second-unverified", "second-unverified@example.com", verified=True, primary=True)
    address("second-unverified", "not.proven@example.com", verified=False, primary=False)
    # The user has no address of its own.
    User.objects.filter(username="primary").update(email="")
    address("primary", "primary@example.com", verified=True, primary=True)


def custom():
    for number, name in enumerate(["ann", "bob", "cem"]):
        User.objects.create(
            key=uuid.UUID(int=number + 1, version=4),
            login=name,
            mail=f"{name}@example.com",
            password=make_password(people.password(name), hasher="argon2"),
            given=name.title(),
            family="Lee",
            since=people.JOINED + timedelta(days=number),
            enabled=name != "bob",
            confirmed=name != "cem",
            tongue=["de", "", "pt-br"][number],
        )


def natural():
    from allauth.account.models import EmailAddress

    for name in ["ann", "bob"]:
        one = user(name, "argon2")
        EmailAddress.objects.create(user=one, email=f"{name}@example.com", verified=name == "ann", primary=True)


def otp():
    import factors

    for name in factors.OTP:
        user(name, "argon2")
    factors.otp({one.username: one for one in User.objects.all()})


def mfa():
    import factors
    from allauth.account.models import EmailAddress

    for name in factors.MFA:
        one = user(name, "argon2")
        EmailAddress.objects.create(user=one, email=one.email, verified=name != "unproven", primary=True)
    factors.mfa({one.username: one for one in User.objects.all()})


{"otp": otp, "mfa": mfa, "auth": auth, "graphql_auth": graphql_auth, "allauth": allauth, "custom": custom, "natural": natural}[SITE]()
output = io.StringIO()
# All models, as most people dump; only the one with keys of names dumps as the documentation of Django suggests.
options = {"indent": 2}
models = []
if SITE == "natural":
    options = {"format": "jsonl", "use_natural_foreign_keys": True, "use_natural_primary_keys": True}
    models = ["auth.user", "account.emailaddress"]
if SITE == "otp":
    models = ["auth.user", "otp_totp", "otp_static", "otp_hotp"]
if SITE == "mfa":
    models = ["auth.user", "account.emailaddress", "mfa.authenticator"]
if SITE == "auth":
    options = {}
call_command("dumpdata", *models, stdout=output, **options)
sys.stdout.write(output.getvalue())
