"""A service whose callers log in at Latchkey: `uvicorn main:app`."""

import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

ISSUER = os.environ.get("BASE_URL", "http://localhost:3000")
AUDIENCE = os.environ.get("JWT_AUDIENCE", "latchkey")
ALGORITHM = os.environ.get("JWT_ALGORITHM", "EdDSA")

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


# A function without `async` runs on a thread of its own: the keys may have to be fetched.
def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]):
    """The claims of the caller."""
    refused = HTTPException(401, "The token is not valid.", {"WWW-Authenticate": "Bearer"})
    if credentials is None:
        raise refused
    try:
        return verify(credentials.credentials)
    except jwt.PyJWKClientConnectionError as error:
        raise HTTPException(503, "The keys of Latchkey cannot be fetched.") from error
    except jwt.PyJWTError as error:
        raise refused from error


Caller = Annotated[dict, Depends(caller)]
app = FastAPI()


@app.get("/api/me/")
def me(caller: Caller):
    return {"id": caller["sub"], "username": caller["username"], "role": caller["role"]}
