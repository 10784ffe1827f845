"""The same deeds through each dialect, so that the tests compare the results.

Each deed answers what the field `it` has, and raises Refused for an error. `function` is the execution environment.
"""

import json
import re

PASSWORD = "kdjf84jfKKd"


def expect(holds, *what):
    if not holds:
        raise AssertionError(" ".join(map(str, what)))


class Refused(Exception):
    """An operation that was refused, with its code."""


def data(answer):
    """What a GraphQL operation answers under the name `it`."""
    if errors := answer.get("errors"):
        fields = errors[0]["extensions"].get("fields")
        raise Refused(next(iter(fields.values()))[0]["code"] if fields else errors[0]["extensions"]["code"])
    it = answer["data"]["it"]
    if it is None:
        raise Refused("unauthenticated")
    if it.get("success") is False:
        raise Refused(next(iter(it["errors"].values()))[0]["code"])
    return it


def rest(answer, status):
    if answer.status != status:
        it = json.loads(answer.text)
        raise Refused(it.get("code") or answer.text)
    return json.loads(answer.text) if answer.text else {}


class Django:
    def sign_up(self, site, name, function=None):
        it = data(site.graphql_as(None, """mutation($e: String!, $u: String!, $p: String!) {
            it: register(email: $e, username: $u, password1: $p, password2: $p) { success errors token refreshToken } }
            """, function, e=f"{name}@example.com", u=name, p=PASSWORD))
        return it["token"], it["refreshToken"]

    def log_in(self, site, name, function=None):
        it = data(site.graphql_as(None, """mutation($u: String!, $p: String!) {
            it: tokenAuth(username: $u, password: $p) { success errors token refreshToken } }
            """, function, u=name, p=PASSWORD))
        return it["token"], it["refreshToken"]

    def verify(self, site, name, function=None):
        data(site.graphql_as(None, "mutation($t: String!) { it: verifyAccount(token: $t) { success errors } }",
                             function, t=link(site, name)))

    def who(self, site, access):
        return data(site.graphql_as(access, "{ it: me { username } }"))["username"]

    def refresh(self, site, refresh, function=None):
        it = data(site.graphql_as(None, """mutation($t: String!) {
            it: refreshToken(refreshToken: $t) { success errors token refreshToken } }""", function, t=refresh))
        return it["token"], it["refreshToken"]

    def log_out(self, site, access, refresh):
        data(site.graphql_as(None, "mutation($t: String!) { it: revokeToken(refreshToken: $t) { success errors } }",
                             t=refresh))


class Plain(Django):
    def sign_up(self, site, name, function=None):
        it = data(site.graphql_as(None, """mutation($input: CreateUserInput!) {
            it: createUser(input: $input) { ok token refreshToken } }""", function,
            input={"username": name, "email": f"{name}@example.com", "password": PASSWORD}))
        return it["token"], it["refreshToken"]

    def verify(self, site, name, function=None):
        path = f"/activate/{link(site, name)}"
        expect("<form" in site.request("GET", path).text, "the link shows no button")
        answer = site.request("POST", path, b"", {"content-type": "application/x-www-form-urlencoded"}, function)
        expect(answer.status == 303, answer.status, answer.text)

    def who(self, site, access):
        return data(site.graphql_as(access, "{ it: whoami { username } }"))["username"]

    def refresh(self, site, refresh, function=None):
        it = data(site.graphql_as(None, """mutation($t: String!) {
            it: refreshAccessToken(refreshToken: $t) { token refreshToken } }""", function, t=refresh))
        return it["token"], it["refreshToken"]

    def log_out(self, site, access, refresh):
        data(site.graphql_as(access, "mutation { it: logout { success errors } }"))


class Hasura(Plain):
    def sign_up(self, site, name, function=None):
        it = data(site.graphql_as(None, """mutation($e: String, $p: String, $u: String) {
            it: user_register(arg: {email: $e, password: $p, username: $u}) { id tokens } }""", function,
            e=f"{name}@example.com", p=PASSWORD, u=name))["tokens"]
        return it["access"], it["refresh"]

    def log_in(self, site, name, function=None):
        it = data(site.graphql_as(None, """query($u: String, $p: String) {
            it: user_login(arg: {username: $u, password: $p}) { access refresh } }""", function, u=name, p=PASSWORD))
        return it["access"], it["refresh"]

    who = Django.who
    log_out = Django.log_out

    def refresh(self, site, refresh, function=None):
        it = data(site.graphql_as(None, """query($t: String) {
            it: user_refresh(arg: {refresh: $t}) { access refresh } }""", function, t=refresh))
        return it["access"], it["refresh"]


class Rest:
    def sign_up(self, site, name, function=None):
        fields = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        it = rest(site.post("/api/accounts/signup/", fields, function=function), 201)
        return it["access"], it["refresh"]

    def log_in(self, site, name, function=None):
        fields = {"email": f"{name}@example.com", "password": PASSWORD}
        it = rest(site.post("/api/accounts/login/", fields, function=function), 200)
        return it["access"], it["refresh"]

    def verify(self, site, name, function=None):
        fields = {"email": f"{name}@example.com", "otp": code(site, name)}
        rest(site.post("/api/accounts/verify-email/", fields, function=function), 200)

    def who(self, site, access):
        answer = site.request("GET", "/api/accounts/me/", headers={"authorization": f"Bearer {access}"})
        return rest(answer, 200)["username"]

    def refresh(self, site, refresh, function=None):
        it = rest(site.post("/api/accounts/token/refresh/", {"refresh": refresh}, function=function), 200)
        return it["access"], it["refresh"]

    def log_out(self, site, access, refresh):
        rest(site.post("/api/accounts/logout/", {"refresh": refresh}, access), 205)


DIALECTS = [Django(), Hasura(), Plain(), Rest()]


def mail(site, name):
    """The text of the newest mail to a user."""
    site.deliver()
    mails = site.aws.mails(f"{name}@example.com")
    expect(mails, "no mail to", name)
    return mails[-1]["Content"]["Simple"]["Body"]["Text"]["Data"]


def link(site, name):
    """The token of the link in the newest mail to a user."""
    (line,) = [line for line in mail(site, name).splitlines() if line.startswith("http")][:1]
    return line.rsplit("/", 1)[1]


def code(site, name):
    """The digits of the newest mail to a user."""
    return re.search(r"^\s*(\d{3}[ -]?\d{3})\s*$", mail(site, name), re.MULTILINE)[1].replace(" ", "")
