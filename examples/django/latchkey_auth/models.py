from django.conf import settings
from django.db import models


class Identity(models.Model):
    """Which user of this project a user of Latchkey is. It works with every user model."""

    subject = models.UUIDField(primary_key=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
