"""The app of django-graphql-auth with its only model: the package itself needs a Django that has no support any more."""
