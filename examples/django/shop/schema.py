import graphene
from django.contrib.auth import get_user_model
from graphene_django import DjangoObjectType


class User(DjangoObjectType):
    class Meta:
        model = get_user_model()
        fields = ("id", "username")


class Query(graphene.ObjectType):
    me = graphene.Field(User)

    def resolve_me(root, info):
        return info.context.user if info.context.user.is_authenticated else None


schema = graphene.Schema(query=Query)
