"""`verify` of docs/tokens.md, with the settings of Django."""

import jwt
from django.conf import settings

ISSUER = settings.LATCHKEY_URL
AUDIENCE = settings.LATCHKEY_AUDIENCE
ALGORITHM = settings.LATCHKEY_ALGORITHM

# One for the whole process: it keeps the keys.
keys = jwt.PyJWKClient(
    f"{ISSUER}/.well-known/jwks.json", lifespan=300, cooldown_duration=60, timeout=5
)


def verify(token):
    """The claims of an access token; a jwt.PyJWTError if it must not be honoured."""
    verified = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=5,
        options={"require": ["iss", "aud", "sub", "iat", "exp"]},
    )
    # PyJWT does not check `typ`.
    if verified["header"].get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return verified["payload"]
