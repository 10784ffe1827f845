"""Second factors by the real django-otp and django-allauth. Both libraries try codes here, at a fixed time. Their answers
are in `django-answers.json`: what they accept and refuse, Latchkey has to accept and refuse, too."""

import base64
import hashlib
import json
import os
import secrets
import time
from datetime import datetime, timezone
from pathlib import Path

import people

# The time of the first codes, in seconds. The second ones are ten minutes later.
NOW = 1_788_000_000
LATER = NOW + 600
RP_ID = "accounts.example"
OTP = ["app", "fresh", "static", "drifted", "unconfirmed", "digits", "period", "hotp", "two", "tokens-only", "short"]
MFA = ["totp", "seed", "migrated", "passkey", "encrypted", "unproven", "codes-only"]
ANSWERS = Path(__file__).parent / "fixtures" / "django-answers.json"


def at(second):
    """From now on, it is that second for the libraries."""
    from django.utils import timezone as django_timezone

    time.time = lambda: float(second)
    django_timezone.now = lambda: datetime.fromtimestamp(second, timezone.utc)


def code_at(key, second, digits=6):
    from django_otp.oath import TOTP

    totp = TOTP(key, digits=digits)
    totp.time = second
    return str(totp.token()).zfill(digits)


def save(site, answers):
    known = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    known |= {"now": NOW, "later": LATER, site: answers}
    ANSWERS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def key_of(name):
    return hashlib.sha1(name.encode()).digest()


def otp(users):
    from django_otp.plugins.otp_hotp.models import HOTPDevice
    from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
    from django_otp.plugins.otp_totp.models import TOTPDevice

    at(NOW - 86400)
    numbers = people.seed()

    def app(name, **fields):
        fields.setdefault("key", key_of(name).hex())
        return TOTPDevice.objects.create(user=users[name], name="default", **fields)

    def codes(name, count=3):
        device = StaticDevice.objects.create(user=users[name], name="backup")
        tokens = [base64.b32encode(numbers.randbytes(5)).decode().lower() for _ in range(count)]
        for token in tokens:
            device.token_set.create(token=token)
        return device, tokens

    answers = {}
    at(NOW)
    app("fresh")
    answers["fresh"] = {"later": code_at(key_of("fresh"), LATER)}
    # The code of the present step was used, so the library refuses it the second time.
    device, used = app("app"), code_at(key_of("app"), NOW)
    assert device.verify_token(used) and not device.verify_token(used)
    answers["app"] = {"used": used, "later": code_at(key_of("app"), LATER)}
    app("static")
    device, tokens = codes("static")
    assert device.verify_token(tokens[1]) and not device.verify_token(tokens[1])
    answers["static"] = {"used": tokens[1], "codes": [tokens[0], tokens[2]]}
    # The code of the step before: the library notes the drift.
    device = app("drifted")
    used = code_at(key_of("drifted"), NOW - 30)
    assert device.verify_token(used)
    device.refresh_from_db()
    assert device.drift == -1
    answers["drifted"] = {"used": used, "later": code_at(key_of("drifted"), LATER)}
    app("unconfirmed", confirmed=False)
    app("digits", digits=8)
    app("period", step=60)
    HOTPDevice.objects.create(user=users["hotp"], name="counter", key=key_of("hotp").hex())
    app("two")
    app("two", key=key_of("second of two").hex())
    codes("tokens-only")
    app("short")
    StaticDevice.objects.create(user=users["short"], name="backup").token_set.create(token="1234")
    at(LATER)
    for name in ["fresh", "app", "drifted"]:
        # In a copy of the row, so that the dump has the state of before.
        device = TOTPDevice.objects.get(user=users[name])
        device.save = lambda *args, **kwargs: None
        assert device.verify_token(answers[name]["later"]), name
    save("otp", answers)


def authenticator_key():
    from cryptography.hazmat.primitives.asymmetric import ec

    number = int.from_bytes(hashlib.sha256(b"the passkey of a test").digest(), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def register(user):
    """A passkey of a software authenticator, which the library verifies."""
    from allauth.core import context
    from allauth.mfa.webauthn.internal import auth
    from django.test import RequestFactory
    from fido2.cose import ES256
    from fido2.utils import websafe_encode
    from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

    request = RequestFactory().get("/", headers={"host": RP_ID})
    request.session = {}
    with context.request_context(request):
        options = auth.begin_registration(user, True)["publicKey"]
        handle = options["user"]["id"]
        credential_id = hashlib.sha256(b"the id of a passkey").digest()
        public = ES256.from_cryptography_key(authenticator_key().public_key())
        attested = AttestedCredentialData.create(Aaguid(bytes(16)), credential_id, public)
        flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
        flags |= AuthenticatorData.FLAG.BE | AuthenticatorData.FLAG.BS
        data = AuthenticatorData.create(hashlib.sha256(RP_ID.encode()).digest(), flags, 7, attested)
        challenge = options["challenge"]
        client_data = CollectedClientData.create("webauthn.create", challenge, f"https://{RP_ID}")
        credential = {
            "type": "public-key",
            "id": websafe_encode(credential_id),
            "rawId": websafe_encode(credential_id),
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
                "clientDataJSON": websafe_encode(client_data),
                "transports": ["internal", "hybrid"],
            },
        }
        auth.complete_registration(credential)
        auth.WebAuthn.add(user, "Laptop", credential)
    handle = handle if isinstance(handle, str) else websafe_encode(handle)
    private = authenticator_key().private_numbers()
    x, y = (number.to_bytes(32, "big") for number in (private.public_numbers.x, private.public_numbers.y))
    return {
        "handle": handle,
        "id": websafe_encode(credential_id),
        "key": websafe_encode(private.private_value.to_bytes(32, "big")),
        "public": websafe_encode(b"\x04" + x + y),
        "rp_id": RP_ID,
    }


def mfa(users):
    from allauth.mfa.adapter import DefaultMFAAdapter
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

    at(NOW - 86400)
    numbers = people.seed()
    secrets.token_hex = lambda size: numbers.randbytes(size).hex()
    # The challenge of the passkey, too.
    os.urandom = numbers.randbytes

    def app(name):
        secret = base64.b32encode(key_of(name)).decode()
        return TOTP.activate(users[name], secret), lambda second: format_hotp_value(hotp_value(secret, second // 30))

    def use(one, code):
        assert one.validate_code(code) and not one.validate_code(code), code
        one.instance.record_usage()

    answers = {}
    # It is the time of the dump: the code is the last one that was used.
    device, code = app("totp")
    at(NOW)
    use(device, code(NOW))
    answers["totp"] = {"used": code(NOW), "later": code(LATER)}
    app("seed")
    codes = RecoveryCodes.activate(users["seed"])
    all_codes = codes.generate_codes()
    use(codes, all_codes[3])
    use(codes, all_codes[0])
    assert codes.get_unused_codes() == all_codes[1:3] + all_codes[4:]
    answers["seed"] = {"used": all_codes[3], "codes": codes.get_unused_codes()}
    app("migrated")
    codes = RecoveryCodes.activate(users["migrated"])
    old = [base64.b32encode(numbers.randbytes(5)).decode().lower() for _ in range(3)]
    codes.instance.data = {"migrated_codes": list(old)}
    codes.instance.save()
    use(codes, old[1])
    answers["migrated"] = {"used": old[1], "codes": [old[0], old[2]]}
    answers["passkey"] = register(users["passkey"])
    RecoveryCodes.activate(users["codes-only"])
    app("unproven")
    # As an adapter of a project encrypts.
    from cryptography.fernet import Fernet

    fernet = Fernet(base64.urlsafe_b64encode(bytes(32)))
    DefaultMFAAdapter.encrypt = lambda self, text: fernet._encrypt_from_parts(text.encode(), NOW, bytes(16)).decode()
    app("encrypted")
    at(LATER)
    from django.core.cache import cache

    cache.clear()
    DefaultMFAAdapter.encrypt = DefaultMFAAdapter.decrypt
    # The default of the model is the clock of the machine.
    Authenticator.objects.update(created_at=datetime.fromtimestamp(NOW - 86400, timezone.utc))
    assert TOTP(Authenticator.objects.get(user=users["totp"], type="totp")).validate_code(answers["totp"]["later"])
    save("mfa", answers)
