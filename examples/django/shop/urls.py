from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView
from rest_framework.decorators import api_view
from rest_framework.response import Response


@api_view(["GET"])
def me(request):
    # `user` is the user of this project; `auth` has the claims of the token.
    claims = request.auth
    return Response({"id": claims["sub"], "username": claims["username"], "role": claims["role"], "user": request.user.pk})


urlpatterns = [
    path("api/me/", me),
    # A token in a header needs no CSRF token: another site cannot send it.
    path("graphql", csrf_exempt(GraphQLView.as_view())),
]
