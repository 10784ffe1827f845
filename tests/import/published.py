"""Writes the exports of systems that cannot run here, by the schemas that they publish: published.py FOLDER ROWS

ROWS becomes the folder with the rows that `make` puts into a PostgreSQL. The hashes are those of the library `bcrypt`; for Firebase, those of the function below, which the example of
firebase/scrypt proves.
"""

import base64
import csv
import hashlib
import json
import sys
import uuid
from pathlib import Path

import people

people.seed()

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FOLDER, ROWS = map(Path, sys.argv[1:])


def hashed(name, prefix, rounds=10):
    return bcrypt.hashpw(people.password(name).encode(), bcrypt.gensalt(rounds, prefix)).decode()


def identity(number):
    return str(uuid.UUID(int=0xA0000 + number, version=4))


def write_csv(path, rows, columns):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


# The columns of `auth.users`, in the order in which the migrations of supabase/auth add them.
SUPABASE = """
instance_id id aud role email encrypted_password email_confirmed_at invited_at confirmation_token confirmation_sent_at
recovery_token recovery_sent_at email_change_token_new email_change email_change_sent_at last_sign_in_at
raw_app_meta_data raw_user_meta_data is_super_admin created_at updated_at phone phone_confirmed_at phone_change
phone_change_token phone_change_sent_at confirmed_at email_change_token_current email_change_confirm_status banned_until
reauthentication_token reauthentication_sent_at is_sso_user deleted_at is_anonymous
""".split()


def supabase():
    def row(number, name, **fields):
        meta = {"sub": identity(number), "email": f"{name}@example.com", "email_verified": True}
        return {
            "instance_id": "00000000-0000-0000-0000-000000000000",
            "id": identity(number),
            "aud": "authenticated",
            "role": "authenticated",
            "email": f"{name}@example.com",
            "encrypted_password": hashed(name, b"2a"),
            "email_confirmed_at": "2024-02-29 12:00:00.123456+00",
            "raw_app_meta_data": json.dumps({"provider": "email", "providers": ["email"]}),
            "raw_user_meta_data": json.dumps(meta | fields.pop("meta", {}), ensure_ascii=False),
            "created_at": "2024-02-28 23:30:00+02",
            "updated_at": "2024-02-29 12:00:00.123456+00",
            "email_change_confirm_status": "0",
            "is_sso_user": "f",
            "is_anonymous": "f",
        } | fields

    rows = [
        row(1, "ann", last_sign_in_at="2026-10-31 23:59:59.5+00"),
        row(2, "unverified", email_confirmed_at=""),
        row(3, "named", meta={"full_name": "Ünal \"Ü\" Ağaoğlu, Dr.\nSecond line"}),
        row(4, "parts", meta={"first_name": "Ann", "last_name": "Lee", "locale": "de-AT", "username": "parts_lee"}),
        row(5, "banned", banned_until="2030-01-01 00:00:00+00"),
        row(6, "lapsed", banned_until="2025-01-01 00:00:00+00"),
        row(7, "forever", banned_until="infinity"),
        row(8, "deleted", deleted_at="2025-06-01 10:00:00+00", email="", encrypted_password=""),
        row(9, "social", encrypted_password=""),
        row(10, "phone", email="", phone="491700000000"),
        row(11, "anonymous", email="", encrypted_password="", is_anonymous="t"),
        row(12, "argon", encrypted_password="$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ"),
    ]
    write_csv(ROWS / "supabase.csv", rows, SUPABASE)


def nhost():
    def row(number, name, **fields):
        return {
            "id": identity(number),
            "created_at": "2023-05-06T07:08:09.123456+00:00",
            "updated_at": "2026-10-31T10:00:00+00:00",
            "last_seen": None,
            "disabled": False,
            "display_name": f"{name.title()} Lee",
            "avatar_url": "https://s.gravatar.com/avatar/0?r=g&default=blank",
            "locale": "en",
            "email": f"{name}@example.com",
            "phone_number": None,
            "password_hash": hashed(name, b"2a"),
            "email_verified": True,
            "phone_number_verified": False,
            "new_email": None,
            "otp_method_last_used": None,
            "otp_hash": None,
            "otp_hash_expires_at": "2023-05-06T07:08:09.123456+00:00",
            "default_role": "user",
            "is_anonymous": False,
            "totp_secret": None,
            "active_mfa_type": None,
            "ticket": None,
            "ticket_expires_at": "2023-05-06T07:08:09.123456+00:00",
            "metadata": None,
            "webauthn_current_challenge": None,
        } | fields

    rows = [
        row(1, "ann", last_seen="2026-10-31T23:59:59+00:00", locale="de"),
        row(2, "unverified", email_verified=False),
        row(3, "disabled", disabled=True),
        row(4, "staff", default_role="admin"),
        row(5, "passwordless", password_hash=None),
        row(6, "metadata", metadata=json.dumps({"firstName": "Ann", "note": 'a\\b "c"\nd'})),
        row(7, "anonymous", email=None, password_hash=None, is_anonymous=True, display_name="Anonymous User"),
    ]
    write_csv(ROWS / "nhost.csv", rows, list(rows[0]))


# The header of `aws cognito-idp get-csv-header`, for the standard attributes.
COGNITO = """
name given_name family_name middle_name nickname preferred_username profile picture website email email_verified gender
birthdate zoneinfo locale phone_number phone_number_verified address updated_at cognito:mfa_enabled cognito:username
""".split()


def cognito():
    def row(login, **fields):
        return {
            "cognito:username": login,
            "email": f"{login}@example.com",
            "email_verified": "true",
            "phone_number_verified": "false",
            "cognito:mfa_enabled": "false",
        } | fields

    rows = [
        row("ann", given_name="Ann", family_name="Lee", locale="de_AT", gender="female"),
        row("unverified", email_verified="false"),
        row("full", name="Bob Benson"),
        row("3f0c7cbe-5d5b-4d0c-9d5e-6a4f5f0f9d11", preferred_username="preferred", email="preferred@example.com"),
        row("phone", email="", phone_number="+491700000000", phone_number_verified="true"),
    ]
    write_csv(FOLDER / "cognito.csv", rows, COGNITO)

    def user(number, enabled, **attributes):
        attributes = {"sub": identity(number), "email": f"{identity(number)[-2:]}@example.com"} | attributes
        return {
            "Username": identity(number),
            "Attributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
            "UserCreateDate": "2021-02-03T04:05:06.789000+00:00",
            "UserLastModifiedDate": "2021-02-03T04:05:06.789000+00:00",
            "Enabled": enabled,
            "UserStatus": "CONFIRMED",
        }

    users = [
        user(1, True, email_verified="true", name="Ann Lee"),
        user(2, False, email_verified="false"),
        user(3, True, email_verified="true", preferred_username="cem"),
    ]
    (FOLDER / "cognito.json").write_text(json.dumps({"Users": users}, indent=4) + "\n")


SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
SALT_SEPARATOR = "Bw=="
ROUNDS, MEM_COST = 8, 14


def firebase_scrypt(password, salt):
    """scrypt makes a key, and AES-256 in counter mode encrypts the signer key with it."""
    both = base64.b64decode(salt) + base64.b64decode(SALT_SEPARATOR)
    key = hashlib.scrypt(password.encode(), salt=both, n=2**MEM_COST, r=ROUNDS, p=1, maxmem=2**26, dklen=64)[:32]
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(base64.b64decode(SIGNER_KEY))).decode()


# The example in the README of firebase/scrypt.
EXAMPLE = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
assert firebase_scrypt("user1password", "42xEC+ixf3L2lw==") == EXAMPLE


def firebase():
    """As `firebase auth:export users.json` writes it: the keys of accountExporter.ts, without those that are undefined."""

    def row(number, name, **fields):
        salt = base64.b64encode(hashlib.sha256(name.encode()).digest()[:10]).decode()
        hashes = {"passwordHash": firebase_scrypt(people.password(name), salt), "salt": salt}
        row = {
            "localId": f"{number:028d}",
            "email": f"{name}@example.com",
            "emailVerified": True,
            **hashes,
            "lastSignedInAt": "1793491199000",
            "createdAt": "1508893925000",
            "disabled": False,
            "providerUserInfo": [],
        } | fields
        return {key: value for key, value in row.items() if value is not None}

    none = {"passwordHash": None, "salt": None}
    rows = [
        row(1, "user1", localId="kYi4EvWQlQTKSfnJ3dRSP6IH3ed2", displayName="Test User 1", passwordHash=EXAMPLE,
            salt="42xEC+ixf3L2lw=="),
        row(2, "ann", displayName="Ann Lee", photoUrl="https://example.com/ann.png"),
        row(3, "unverified", emailVerified=False, lastSignedInAt=None),
        row(4, "disabled", disabled=True),
        row(5, "admin", customAttributes='{"admin":true}'),
        row(6, "social", **none, providerUserInfo=[{"providerId": "google.com", "rawId": "1", "email": "social@example.com"}]),
        row(7, "phone", **none, email=None, emailVerified=None, phoneNumber="+491700000000"),
    ]
    (FOLDER / "firebase.json").write_text(
        '{"users": [\n' + ",\n".join(json.dumps(row, indent=2, ensure_ascii=False) for row in rows) + "\n]}\n"
    )
    config = f"""hash_config {{
  algorithm: SCRYPT,
  base64_signer_key: {SIGNER_KEY},
  base64_salt_separator: {SALT_SEPARATOR},
  rounds: {ROUNDS},
  mem_cost: {MEM_COST},
}}
"""
    (FOLDER / "firebase-hash-config.txt").write_text(config)


def plain():
    """A list as a spreadsheet writes it: a byte order mark, CRLF, and a header of its own."""
    rows = [
        ["no", "login", "mail", "first", "last", "pw", "confirmed", "since"],
        ["17", "ann", "ann@example.com", "Ann", "Lee, Dr.", hashed("ann", b"2b"), "yes", "2020-01-02"],
        ["18", "bob", "bob@example.com", "Bob", 'The "B"', "", "no", "2020-01-02T03:04:05Z"],
    ]
    with (FOLDER / "plain.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)


for make in [supabase, nhost, cognito, firebase, plain]:
    make()
