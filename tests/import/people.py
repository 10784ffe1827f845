"""The people of the exports, and random numbers that are the same in each run."""

import datetime
import random
import secrets

UTC = datetime.timezone.utc
JOINED = datetime.datetime(2019, 3, 1, 8, 30, 0, tzinfo=UTC)
LAST_LOGIN = datetime.datetime(2026, 10, 31, 23, 59, 59, 123456, tzinfo=UTC)


def password(name):
    """Each has another password, so that a hash that comes to the wrong user lets no user in."""
    return f"{name} kdjf84jfKKd"


def seed():
    """Salts and unusable passwords of Django, and the salts of bcrypt, without chance."""
    import bcrypt

    numbers = random.Random(20261129)
    secrets.choice = numbers.choice
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    def salt(rounds=12, prefix=b"2b"):
        # Of the last character, two bits count.
        text = "".join(numbers.choice(alphabet) for _ in range(21)) + numbers.choice(".Oeu")
        return b"$%s$%02d$%s" % (prefix, rounds, text.encode())

    bcrypt.gensalt = salt
    return numbers
