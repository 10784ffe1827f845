"""A user model with other names than those of Django."""

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Member(AbstractBaseUser):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    login = models.CharField(max_length=150, unique=True)
    mail = models.EmailField(unique=True)
    given = models.CharField(max_length=150)
    family = models.CharField(max_length=150)
    since = models.DateTimeField()
    enabled = models.BooleanField(default=True)
    confirmed = models.BooleanField(default=False)
    tongue = models.CharField(max_length=10, blank=True)

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "mail"

    objects = BaseUserManager()
