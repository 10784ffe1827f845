import graphene
from graphql_auth import mutations
from graphql_auth.schema import MeQuery


class Query(MeQuery, graphene.ObjectType):
    pass


class Mutation(graphene.ObjectType):
    register = mutations.Register.Field()
    token_auth = mutations.ObtainJSONWebToken.Field()
    verify_token = mutations.VerifyToken.Field()
    refresh_token = mutations.RefreshToken.Field()


schema = graphene.Schema(query=Query, mutation=Mutation)
