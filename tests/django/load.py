"""A Django that loads a fixture of Latchkey: load.py FIXTURE"""

import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for this test",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "graphql_auth"],
    PASSWORD_HASHERS=[
        f"django.contrib.auth.hashers.{name}PasswordHasher"
        for name in ["PBKDF2", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt"]
    ],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)

django.setup()

from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

call_command("migrate", verbosity=0, run_syncdb=True)
call_command("loaddata", sys.argv[1], verbosity=0)

PASSWORD = "kdjf84jfKKd"
User = get_user_model()
named = {user.username: user for user in User.objects.all()}
assert len(named) == 10, sorted(named)

# Django derives 64 bytes by scrypt, and the hash of `phc_scrypt` has 32.
lost = ["boss", "gone", "second", "phc_scrypt"]
assert sorted(lost) == sorted(name for name in named if not named[name].has_usable_password())
hashed = [name for name in named if name not in lost]
for name in hashed:
    assert authenticate(username=name, password="kdjf84jfKKe") is None, name
    assert authenticate(username=name, password=PASSWORD) == named[name], name

old = {"argon": 100, "pbkdf2": 102, "bcrypt_sha256": 104, "phc_scrypt": 106}
assert {name: named[name].pk for name in old} == old
others = [user.pk for name, user in named.items() if name not in old]
assert sorted(others) == list(range(107, 113)), others

boss = named["boss"]
assert boss.is_staff and boss.is_superuser and (boss.first_name, boss.last_name) == ("Ann", "Lee")
assert str(boss.last_login) == "2024-02-03 04:05:06+00:00", boss.last_login
assert not named["gone"].is_active
assert str(named["argon"].date_joined) == "2020-01-01 10:00:00.123456+00:00", named["argon"].date_joined

second = named["second"].status
assert (second.verified, second.archived, second.secondary_email) == (True, True, "second@other.example")
assert User.objects.create_user("new").pk == 113
print(f"Django {django.__version__} has {len(named)} users, and {len(hashed)} of them have logged in")
