"""The journeys. Each one has users and a network of its own."""

import base64
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dialects import DIALECTS, PASSWORD, Django, Refused, data, expect, link
from functions import ROOT, Stream
from stack import BUS, EMAIL_FROM, REGION

LATCHKEY = ROOT / "target" / "debug" / "latchkey"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)
JOURNEYS = []


def journey(test):
    JOURNEYS.append(test)
    return test


def faults_met(site):
    expect(site.aws.faults.all_met(), "no call met a fault:", site.aws.faults.planned)


def refused(deed, *codes):
    try:
        deed()
    except Refused as error:
        expect(str(error) in codes, f"refused with {error}, not {codes}")
        return
    raise AssertionError(f"nothing refused it; wanted {codes}")


def signed_in(site, name):
    dialect = DIALECTS[0]
    dialect.sign_up(site, name)
    dialect.verify(site, name)
    return dialect.log_in(site, name)


@journey
def each_dialect_takes_a_user_from_sign_up_to_log_out(site):
    for dialect in DIALECTS:
        name = type(dialect).__name__.lower()
        dialect.sign_up(site, name)
        refused(lambda: dialect.log_in(site, name), "not_verified")
        dialect.verify(site, name)
        access, refresh = dialect.log_in(site, name)
        expect(dialect.who(site, access) == name, "another user")
        access, rotated = dialect.refresh(site, refresh)
        expect(dialect.who(site, access) == name, "another user after the refresh")
        dialect.log_out(site, access, rotated)
        refused(lambda: dialect.who(site, access), "unauthenticated", "token_not_valid")
        refused(lambda: dialect.refresh(site, rotated), "invalid_token", "token_not_valid")
        sent = site.aws.mails(f"{name}@example.com")[0]
        expect(sent["FromEmailAddress"].endswith(f"<{EMAIL_FROM}>") or sent["FromEmailAddress"] == EMAIL_FROM, sent)
        expect(set(sent["Content"]["Simple"]["Body"]) == {"Text", "Html"}, "a part of the mail is missing")


@journey
def a_picture_is_stored_shown_replaced_and_removed(site):
    access, _ = signed_in(site, "pia")

    def upload():
        document = """mutation($input: UpdateUserInput!) {
            it: updateUser(input: $input) { ok user { profilePictureUrl } } }"""
        operations = {"query": document, "variables": {"input": {"profilePicture": None}}}
        parts = [("operations", json.dumps(operations)), ("map", '{"0": ["variables.input.profilePicture"]}')]
        body = b"".join(
            f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in parts
        )
        body += b'--b\r\ncontent-disposition: form-data; name="0"; filename="p.png"\r\ncontent-type: image/png\r\n\r\n'
        body += PICTURE + b"\r\n--b--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=b", "authorization": f"Bearer {access}"}
        return data(site.request("POST", "/graphql", body, headers).json())["user"]["profilePictureUrl"]

    def objects():
        return [it["Key"] for it in site.aws.client("s3").list_objects_v2(Bucket=site.aws.bucket).get("Contents", [])]

    url = upload()
    with urllib.request.urlopen(url) as answer:
        expect(answer.headers["content-type"] == "image/png", answer.headers)
        expect(answer.read().startswith(b"\x89PNG"), "no picture")
    (first,) = objects()
    upload()
    (second,) = objects()
    expect(first != second, "the key is used twice")
    removal = """mutation { it: updateUser(input: {profilePicture: null}) { ok user { profilePictureUrl } } }"""
    data(site.graphql_as(access, removal))
    expect(objects() == [], objects())


@journey
def a_password_is_reset_by_the_mailed_link_and_ends_all_sessions(site):
    access, refresh = signed_in(site, "rita")
    data(site.graphql_as(None, 'mutation { it: sendPasswordResetEmail(email: "rita@example.com") { success errors } }'))
    data(site.graphql_as(None, """mutation($t: String!, $p: String!) {
        it: passwordReset(token: $t, newPassword1: $p, newPassword2: $p) { success errors } }""",
        t=link(site, "rita"), p="zmxn73hhQQp"))
    refused(lambda: DIALECTS[0].who(site, access), "unauthenticated")
    refused(lambda: DIALECTS[0].refresh(site, refresh), "invalid_token")
    refused(lambda: DIALECTS[0].log_in(site, "rita"), "invalid_credentials")


@journey
def an_account_is_deleted_for_good(site):
    access, _ = signed_in(site, "dora")
    user = claims(access)["sub"]


    def kinds():
        return sorted(it["pk"]["S"].split("#")[0] for it in site.aws.items() if user in json.dumps(it))

    expect({"USER", "EMAIL"} <= set(kinds()), kinds())
    document = 'mutation($p: String!) { it: deleteAccount(password: $p) { success errors } }'
    data(site.graphql_as(access, document, p=PASSWORD))
    refused(lambda: DIALECTS[0].log_in(site, "dora"), "invalid_credentials")
    site.token_cleanup.invoke(json.loads((ROOT / "events" / "schedule.json").read_text()))
    # The trail stays, and the mail that the account is deleted.
    expect(set(kinds()) == {"AUDIT", "MAIL"} and kinds().count("MAIL") == 1, kinds())


def program(site, *arguments, password=None):
    """The command line of Latchkey, on the table of the stack."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
        **site.aws.environment("GraphqlFunction"),
    }
    command = [LATCHKEY, *arguments, "--table", site.aws.table]
    return subprocess.run(
        command, env=environment, input=password, capture_output=True, text=True, timeout=60, check=False
    )


@journey
def the_first_superuser_lists_and_bans_users(site):
    ann, _ = signed_in(site, "nora")
    made = program(site, "create-superuser", "--username", "boss", "--email", "boss@example.com", password="zmxn73hhQQp\n")
    expect(made.returncode == 0, made.stdout, made.stderr)
    answer = site.graphql_as(None, """mutation($p: String!) {
        it: tokenAuth(username: "boss", password: $p) { success errors token } }""", p="zmxn73hhQQp")
    boss = data(answer)["token"]
    # By the index `list`, and by the index `names`.
    listed = data(site.graphql_as(boss, "{ it: users(first: 100) { edges { node { username } } } }"))
    names = [it["node"]["username"] for it in listed["edges"]]
    expect("nora" in names and "boss" in names, names)
    shown = program(site, "users", "list", "--prefix", "nor", "--json")
    expect([json.loads(line)["username"] for line in shown.stdout.splitlines()] == ["nora"], shown.stdout, shown.stderr)
    banned = program(site, "users", "ban", "nora", "--as", "tests", "--reason", "a test")
    expect(banned.returncode == 0, banned.stderr)
    refused(lambda: DIALECTS[0].who(site, ann), "unauthenticated")


@journey
def of_many_sign_ups_with_one_name_one_succeeds(site):
    functions = [site.graphql, *(site.start("graphql", "GraphqlFunction") for _ in range(3))]

    def sign_up(place):
        try:
            return Django().sign_up(site, "race", functions[place % 4])
        except Refused as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(sign_up, range(4)))
    expect(sum(isinstance(it, tuple) for it in results) == 1, results)
    expect(all(isinstance(it, tuple) or it == "unique" for it in results), results)
    site.deliver()
    expect(len(site.aws.mails("race@example.com")) == 1, "not one mail")

    # The same link in all of them, then the same refresh token.
    token = link(site, "race")
    document = "mutation($t: String!) { it: verifyAccount(token: $t) { success errors } }"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda function: site.graphql_as(None, document, function, t=token), functions))
    expect(sum(it["data"]["it"]["success"] for it in answers) == 1, answers)
    _, refresh = Django().log_in(site, "race")

    def refreshed(function):
        try:
            return Django().refresh(site, refresh, function)
        except Refused as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(refreshed, functions))
    expect(all(isinstance(it, tuple) for it in results), "a refresh within the grace fails:", results)
    sessions = [it for it in site.aws.items() if it["sk"]["S"].startswith("SESSION#")]
    accesses = {claims(it[0])["sid"] for it in results}
    expect(len(accesses) == 1, "one session became several", accesses, len(sessions))


def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


@journey
def two_senders_at_once_send_one_mail(site):
    Django().sign_up(site, "mia")
    due = site.stream.due()
    expect(len(due) == 1, due)
    senders = [site.email_event, site.start("email-event", "EmailEventFunction")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda it: it.invoke({"Records": due}), senders))
    site.deliver()
    expect(len(site.aws.mails("mia@example.com")) == 1, site.aws.mails("mia@example.com"))


@journey
def a_poisoned_record_is_given_up_and_holds_up_none(site):
    mail_id = "MAIL#nonsense"
    item = {"pk": mail_id, "sk": "MAIL", "kind": "mail", "state": "due"}
    item = {name: {"S": value} for name, value in item.items()}
    site.aws.client("dynamodb").put_item(TableName=site.aws.table, Item=item)
    Django().sign_up(site, "paula")
    before = len(site.stream.given_up)
    site.deliver()
    expect(len(site.aws.mails("paula@example.com")) == 1, "the mail behind it is not sent once")
    given_up = site.stream.given_up[before:]
    expect([it["dynamodb"]["Keys"]["pk"]["S"] for it in given_up] == [mail_id], given_up)


@journey
def a_mail_that_ses_throttles_is_sent_with_the_next_try(site):
    Django().sign_up(site, "tina")
    # One call of the function, with the retries of the SDK.
    site.aws.faults.fail("SendEmail", 3, 429, "TooManyRequestsException")
    site.deliver()
    faults_met(site)
    expect(len(site.aws.mails("tina@example.com")) == 1, "not one mail")


@journey
def a_mail_waits_until_ses_accepts_its_sender(site):
    ses = site.aws.client("sesv2")
    ses.delete_email_identity(EmailIdentity=EMAIL_FROM)
    Django().sign_up(site, "wanda")
    due = site.stream.due()
    report = site.email_event.invoke({"Records": due})
    expect(len(report["batchItemFailures"]) == 1, report)
    expect(site.aws.mails("wanda@example.com") == [], "moto sends for an unknown sender")
    ses.create_email_identity(EmailIdentity=EMAIL_FROM)
    site.deliver()
    expect(len(site.aws.mails("wanda@example.com")) == 1, "the mail does not follow")


@journey
def a_lost_answer_of_the_table_repeats_nothing(site):
    # The SDK repeats the transaction with the same token.
    site.aws.faults.fail("TransactWriteItems", 1, 500, "InternalServerError", done=True)
    Django().sign_up(site, "lotte")
    # The first update of a delivery claims the mail.
    site.aws.faults.fail("UpdateItem", 1, 500, "InternalServerError", done=True)
    site.deliver()
    faults_met(site)
    expect(len(site.aws.mails("lotte@example.com")) == 1, "not one mail")
    Django().verify(site, "lotte")
    _, refresh = Django().log_in(site, "lotte")
    site.aws.faults.fail("UpdateItem", 1, 500, "InternalServerError", done=True)
    access, _ = Django().refresh(site, refresh)
    faults_met(site)
    expect(Django().who(site, access) == "lotte", "no refresh")


@journey
def a_table_that_throttles_once_is_asked_again(site):
    access, _ = signed_in(site, "theo")
    site.aws.faults.fail("BatchGetItem", 1, 400, "ProvisionedThroughputExceededException")
    expect(Django().who(site, access) == "theo", "a throttled call is not repeated")
    faults_met(site)


@journey
def a_table_that_does_not_answer_lets_no_caller_in(site):
    access, refresh = signed_in(site, "uma")
    for operation in ("GetItem", "BatchGetItem", "Query", "TransactWriteItems", "UpdateItem", "PutItem"):
        site.aws.faults.fail(operation, 1000, 500, "InternalServerError")
    for dialect in DIALECTS:
        refused(lambda: dialect.log_in(site, "uma"), "unavailable")
        refused(lambda: dialect.refresh(site, refresh), "unavailable")
        refused(lambda: dialect.who(site, access), "unavailable")
    site.aws.faults.clear()
    expect(Django().who(site, access) == "uma", "the session did not survive")


@journey
def a_function_does_not_start_without_its_secret(site):
    site.aws.faults.fail("GetSecretValue", 1000, 400, "ResourceNotFoundException")
    bootstrap = site.builds / "graphql" / "bootstrap"
    ended = subprocess.run(
        [bootstrap], env=site.aws.environment("GraphqlFunction"), capture_output=True, text=True, timeout=60, check=False
    )
    expect(ended.returncode != 0 and "AUTH_SECRET_ARN: the secret cannot be read" in ended.stdout, ended.stdout)


@journey
def each_change_of_an_account_is_an_event_on_the_bus_in_order(site):
    stream = Stream(site.aws, "AccountEventFunction")
    publisher = site.start("account-event", "AccountEventFunction")
    stream.seen = len(stream.records())
    published = site.aws.gateway.published
    published.clear()
    access, _ = signed_in(site, "eva")
    # More often than the SDK tries: then the stream brings the events again.
    site.aws.faults.fail("PutEvents", 4, 400, "ThrottlingException")
    stream.deliver(publisher)
    faults_met(site)
    document = 'mutation($p: String!) { it: deleteAccount(password: $p) { success errors } }'
    data(site.graphql_as(access, document, p=PASSWORD))
    stream.deliver(publisher)
    details = [json.loads(it["Detail"]) for it in published]
    expect(all(it["EventBusName"].endswith(f"/{BUS}") and it["Source"] == "latchkey" for it in published), published)
    expect([it["DetailType"] for it in published] == [it["type"] for it in details], published)
    user = claims(access)["sub"]
    types = [it["type"] for it in details if it["data"]["user_id"] == user]
    expect(types == ["user.created", "user.verified", "user.deleted"], types)
    ids = [it["id"] for it in details]
    expect(ids == sorted(ids) and len(set(ids)) == len(ids), ids)
    expect("@" not in json.dumps(published), "an event has an address")


@journey
def the_clean_up_deletes_what_has_expired_and_makes_stuck_mails_due(site):
    table = site.aws.client("dynamodb")
    now = int(time.time())

    def put(pk, sk, due, **texts):
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "expires_at": {"N": str(due)}, "sweep_at": {"N": str(due)}}
        item |= {"sweep_pk": {"S": "SWEEP#3"}} | {name: {"S": value} for name, value in texts.items()}
        table.put_item(TableName=site.aws.table, Item=item)

    user = "USER#01a1fdfa-45fe-7c21-8f50-4b3a2d1c0e9f"
    put(user, "SESSION#over", now - 3600)
    put(user, "SESSION#good", now + 3600)
    put("JTI#used", "JTI", now - 3600)
    event = json.loads((ROOT / "events" / "schedule.json").read_text())
    counts = site.token_cleanup.invoke(event)
    expect(counts["sessions"] == 1 and counts["token_ids"] >= 1 and counts["is_complete"], counts)
    left = [it["sk"]["S"] for it in site.aws.items() if it["pk"]["S"] == user]
    expect(left == ["SESSION#good"], left)

    # A mail whose sender ended: the function makes it due, and the stream has it again.
    site.deliver()
    Django().sign_up(site, "stella")
    site.aws.faults.fail("SendEmail", 1000, 500, "InternalFailure")
    (due,) = site.stream.due()
    site.email_event.invoke({"Records": [due]})
    site.aws.faults.clear()
    key = due["dynamodb"]["Keys"]
    for name in ("sweep_at", "lease_until"):
        value = {":past": {"N": str(now - 3600)}}
        table.update_item(TableName=site.aws.table, Key=key, UpdateExpression=f"SET {name} = :past",
                          ExpressionAttributeValues=value)
    site.stream.seen = len(site.stream.records())
    counts = site.token_cleanup.invoke(event)
    expect(counts["mails"] == 1, counts)
    site.deliver()
    expect(len(site.aws.mails("stella@example.com")) == 1, "not one mail")


def sam_uploads_the_zips_of_a_release_as_they_are(site):
    release = Path(os.environ["RELEASE"]).absolute()
    s3 = site.aws.client("s3")
    s3.create_bucket(Bucket="uploads")
    keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "SAM_CLI_TELEMETRY": "0"}
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {**keys, "AWS_ENDPOINT_URL": site.aws.url, "AWS_DEFAULT_REGION": REGION}
    with tempfile.TemporaryDirectory() as folder:
        command = ["sam", "package", "--s3-bucket", "uploads", "--output-template-file", f"{folder}/packaged.yaml"]
        ended = subprocess.run(
            command, cwd=release, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    expect(ended.returncode == 0, ended.stderr)
    objects = s3.list_objects_v2(Bucket="uploads")["Contents"]
    uploaded = [s3.get_object(Bucket="uploads", Key=it["Key"])["Body"].read() for it in objects]
    zips = [release / f"{name}.zip" for name in ("graphql", "email-event", "token-cleanup")]
    expect(len(uploaded) >= len(zips), [it["Key"] for it in objects])
    for path in zips:
        expect(path.read_bytes() in uploaded, f"{path.name} was changed")
