"""The caller of a request, by the access token of Latchkey: for Django REST framework and for graphene."""

import jwt
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed

from .models import Identity
from .tokens import verify


class KeysUnavailable(APIException):
    """The token may be valid: a 503, not a 401."""

    status_code = 503
    default_detail = "The keys of Latchkey cannot be fetched."


def user_of(claims):
    """The user of this project. The first token of a user finds the imported user, or creates one."""
    if known := Identity.objects.select_related("user").filter(subject=claims["sub"]).first():
        return known.user
    users = get_user_model().objects
    try:
        with transaction.atomic():
            # With LEGACY_ID_CLAIM=on, the primary key that an imported user had here.
            user = users.filter(pk=claims["legacy_id"]).first() if claims.get("legacy_id") else None
            # Not by the claim `username`: users can change it.
            user = user or users.get_or_create(username=claims["sub"])[0]
            Identity.objects.create(subject=claims["sub"], user=user)
    except IntegrityError as error:
        # Another request did the same at this moment; or the row belongs to another user of Latchkey.
        known = Identity.objects.select_related("user").filter(subject=claims["sub"]).first()
        if known is None:
            raise AuthenticationFailed("The user of this token is the user of another account.") from error
        user = known.user
    return user


def authenticate(request):
    """The user and the claims; None without a token."""
    scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
    if scheme.lower() not in ("bearer", "jwt"):
        return None
    try:
        claims = verify(token)
    except jwt.PyJWKClientConnectionError as error:
        raise KeysUnavailable from error
    except jwt.PyJWTError as error:
        raise AuthenticationFailed("The token is not valid.") from error
    user = user_of(claims)
    if not user.is_active:
        raise AuthenticationFailed("The account is not active.")
    return user, claims


class LatchkeyAuthentication(BaseAuthentication):
    def authenticate(self, request):
        return authenticate(request)

    def authenticate_header(self, request):
        return "Bearer"


class LatchkeyMiddleware:
    """For graphene, which calls it for each field: the first call finds the caller."""

    def resolve(self, next, root, info, **arguments):
        request = info.context
        if not hasattr(request, "latchkey"):
            request.latchkey = authenticate(request) or (AnonymousUser(), None)
            request.user = request.latchkey[0]
        return next(root, info, **arguments)
