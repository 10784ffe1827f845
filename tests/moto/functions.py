"""The built functions under Lambda's runtime interface emulator, with API Gateway's events and the table's stream."""

import base64
import json
import math
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
PATIENCE = 30
# The emulator may start the function before it listens for it; then the function ends, and the next try starts it anew.
ATTEMPTS = 5


class Function:
    """One execution environment of a function. Its process starts with its first event, as in Lambda."""

    def __init__(self, emulator, bootstrap, environment):
        self.port, runtime = free_ports()
        self.process = subprocess.Popen(
            [
                emulator,
                *("--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime}"),
                *("--log-level", "error"),
                bootstrap,
            ],
            cwd=bootstrap.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError("the emulator does not start")

    def invoke(self, event):
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        for _ in range(ATTEMPTS):
            try:
                with urllib.request.urlopen(url, json.dumps(event).encode(), timeout=PATIENCE) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 502:
                    raise
        raise AssertionError("the function ends before it takes an event")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def free_ports():
    """Two ports on which no process listens."""
    sockets = [socket.socket(), socket.socket()]
    for it in sockets:
        it.bind(("127.0.0.1", 0))
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


class Answer:
    """The answer of the API, as API Gateway would send it."""

    def __init__(self, answer):
        self.status = answer["statusCode"]
        self.headers = answer.get("headers") or {}
        body = answer.get("body") or ""
        self.text = base64.b64decode(body).decode() if answer.get("isBase64Encoded") else body

    def json(self):
        return json.loads(self.text)


def api_event(ip, method, path, headers, body):
    """The event of a request: the sample of `events/` with another request."""
    event = json.loads((EVENTS / "health.json").read_text())
    event["headers"]["x-forwarded-for"] = event["requestContext"]["http"]["sourceIp"] = ip
    event["rawPath"], _, event["rawQueryString"] = path.partition("?")
    event["headers"] |= {name.lower(): value for name, value in headers.items()}
    event["requestContext"]["http"] |= {"method": method, "path": event["rawPath"]}
    if body:
        is_text = not headers.get("content-type", "").startswith("multipart/")
        event["isBase64Encoded"] = not is_text
        event["body"] = body.decode() if is_text else base64.b64encode(body).decode()
    return event


class Deployment:
    """The functions of a stack in moto."""

    def __init__(self, aws, emulator, builds):
        self.aws, self.emulator, self.builds = aws, emulator, builds
        self.started = []
        # Each journey has a network of its own, because the limits of a network hold.
        self.ip = "203.0.113.7"
        self.graphql = self.start("graphql", "GraphqlFunction")
        self.email_event = self.start("email-event", "EmailEventFunction")
        self.token_cleanup = self.start("token-cleanup", "TokenCleanupFunction")
        self.stream = Stream(aws, "EmailEventFunction")

    def start(self, folder, function):
        """Another execution environment of a function."""
        environment = self.aws.environment(function)
        it = Function(self.emulator, self.builds / folder / "bootstrap", environment)
        self.started.append(it)
        return it

    def stop(self):
        for it in self.started:
            it.stop()

    def request(self, method, path, body=b"", headers=(), function=None):
        event = api_event(self.ip, method, path, dict(headers), body)
        return Answer((function or self.graphql).invoke(event))

    def post(self, path, body, token=None, function=None):
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self.request("POST", path, json.dumps(body).encode(), headers, function)

    def graphql_as(self, token, document, function=None, **variables):
        return self.post("/graphql", {"query": document, "variables": variables}, token, function).json()

    def deliver(self):
        """Sends all due mails, as Lambda does: batch by batch."""
        return self.stream.deliver(self.email_event)


class Stream:
    """Lambda's event source mapping of the stream, as the template describes it.

    It tries a failed batch again from its first failed record on, and gives a record up after the template's attempts.
    """

    def __init__(self, aws, function):
        """`function` is the logical id of the function that reads the stream."""
        self.streams = aws.client("dynamodbstreams")
        self.arn = self.streams.list_streams(TableName=aws.table)["Streams"][0]["StreamArn"]
        (mapping,) = [
            it["Properties"]
            for it in aws.template["Resources"].values()
            if it["Type"] == "AWS::Lambda::EventSourceMapping" and it["Properties"]["FunctionName"] == {"Ref": function}
        ]
        self.batch_size = mapping["BatchSize"]
        retries = mapping["MaximumRetryAttempts"]
        self.attempts = math.inf if retries == -1 else 1 + retries
        # Other filters are behind a condition that the stack does not meet.
        filters = [it["Pattern"] for it in mapping["FilterCriteria"]["Filters"] if "Pattern" in it]
        self.patterns = [json.loads(pattern) for pattern in filters]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        self.seen, self.tries, self.given_up = 0, {}, []

    def records(self):
        """All records, from the first on, in the form in which Lambda passes them on."""
        shards = self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        records = []
        for shard in shards:
            iterator = self.streams.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                page = self.streams.get_records(ShardIterator=iterator)
                records += [self.as_event(record) for record in page["Records"]]
                iterator = page.get("NextShardIterator")
                if not page["Records"] or not iterator:
                    break
        return records

    def as_event(self, record):
        """Lambda writes times as numbers and names the stream."""
        created = int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())
        stream = record["dynamodb"] | {"ApproximateCreationDateTime": created}
        return record | {"dynamodb": stream, "eventSourceARN": self.arn}

    def due(self):
        """The records since the last delivery that pass the filter."""
        records = self.records()[self.seen :]
        return [it for it in records if any(passes(pattern, it) for pattern in self.patterns)]

    def deliver(self, function):
        records = self.records()
        due = [it for it in records[self.seen :] if any(passes(pattern, it) for pattern in self.patterns)]
        delivered = 0
        while due:
            batch, later = due[: self.batch_size], due[self.batch_size :]
            failed = self.failed(function.invoke({"Records": batch}), batch)
            delivered += len(batch) if failed is None else failed
            if failed is None:
                due = later
                continue
            number = batch[failed]["dynamodb"]["SequenceNumber"]
            self.tries[number] = self.tries.get(number, 0) + 1
            if self.tries[number] >= self.attempts:
                self.given_up.append(batch[failed])
                failed += 1
            due = batch[failed:] + later
        self.seen = len(records)
        return delivered

    @staticmethod
    def failed(report, batch):
        """The place of the first failed record; None if there is none. All failed if the function did."""
        if "batchItemFailures" not in (report or {}):
            return 0
        numbers = [it["dynamodb"]["SequenceNumber"] for it in batch]
        places = [numbers.index(it["itemIdentifier"]) for it in report["batchItemFailures"]]
        return min(places, default=None)


def passes(pattern, value):
    """Whether a record passes a pattern of exact values. Another kind of pattern is an error."""
    for name, wanted in pattern.items():
        found = value.get(name) if isinstance(value, dict) else None
        if isinstance(wanted, dict):
            if not passes(wanted, found or {}):
                return False
        else:
            assert all(isinstance(it, str) for it in wanted), f"a pattern of another kind: {wanted}"
            if found not in wanted:
                return False
    return True


def emulator():
    path = Path(os.environ["LAMBDA_RIE"])
    assert path.is_file(), f"LAMBDA_RIE: there is no file {path}"
    return path
