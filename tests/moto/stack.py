"""moto as AWS, with the stack of a template in it."""

import io
import json
import re
import threading
import warnings
import zipfile
from contextlib import contextmanager

import boto3
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.core.config import default_user_config
from moto.server import DomainDispatcherApplication, create_backend_app
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse
from werkzeug.serving import WSGIRequestHandler, make_server

REGION = "us-east-1"
STACK = "latchkey"
EMAIL_FROM = "accounts@latchkey.example"
BUS = "accounts"
# The parameters of the stack; all others have their defaults.
PARAMETERS = {
    "EmailFrom": EMAIL_FROM,
    "AllowDeleteAccount": "true",
    "EventBus": f"arn:aws:events:{REGION}:123456789012:event-bus/{BUS}",
}
# API Gateway has no part in this: the tests make its events.
API_URL = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
ARTIFACTS = "artifacts"

# What moto's CloudFormation creates of the template. Latchkey needs nothing else of AWS to run.
CREATED = (
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
)

# The operations by which a fault is known, from what a request looks like.
S3_OPERATIONS = {"PUT": "PutObject", "DELETE": "DeleteObject", "GET": "GetObject"}


class Faults:
    """What the next calls of an operation meet."""

    def __init__(self):
        self.planned = []

    def fail(self, operation, times, status, code, done=False):
        """Lets calls of the operation fail. With `done`, AWS does what is asked, and only its answer is lost."""
        self.planned.append({"operation": operation, "left": times, "status": status, "code": code, "done": done})

    def all_met(self):
        """Whether calls met all of them."""
        return not any(fault["left"] for fault in self.planned)

    def take(self, operation):
        for fault in self.planned:
            if fault["operation"] == operation and fault["left"]:
                fault["left"] -= 1
                return fault
        return None

    def clear(self):
        self.planned.clear()


class Gateway:
    """The entrance to moto: one request at a time, faults, and a check against AWS's own models of its services.

    AWS promises that each write is atomic and that transactions are serializable. moto has no lock of its own: a
    transaction that fails puts back a copy of the whole table, with which it would undo the writes of others.
    """

    def __init__(self):
        self.inner = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()
        self.faults = Faults()
        # The mails that SES accepted, and the events that the bus accepted.
        self.sent, self.published = [], []
        # Requests that do not fit the model of the service.
        self.invalid = []
        services = [get_session().get_service_model(name) for name in ("dynamodb", "events")]
        self.models = {
            name: service.operation_model(name).input_shape for service in services for name in service.operation_names
        }
        # The answers of the transactions, by their token.
        self.transactions = {}

    def __call__(self, environ, start_response):
        operation = operation_of(environ)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith(("DynamoDB_", "AWSEvents.")):
            report = ParamValidator().validate(json.loads(body), self.models[operation])
            if report.has_errors():
                self.invalid.append(f"{operation}: {report.generate_report()}")
        fault = self.faults.take(operation)
        if fault and not fault["done"]:
            return failed(fault, start_response)
        with self.lock:
            head, whole = self.answer(operation, environ, body)
        if fault:
            return failed(fault, start_response)
        start_response(*head)
        return whole

    def answer(self, operation, environ, body):
        """The head and the body of moto's answer."""
        # DynamoDB remembers for ten minutes that it has done a transaction, and moto does not.
        token = json.loads(body).get("ClientRequestToken") if operation == "TransactWriteItems" else None
        if token in self.transactions:
            return self.transactions[token]
        heads = []
        whole = list(self.inner(environ, lambda *head: heads.append(head)))
        if heads[0][0].startswith("200"):
            if operation == "SendEmail":
                self.sent.append(json.loads(body))
            if operation == "PutEvents":
                self.published += json.loads(body)["Entries"]
            if token:
                self.transactions[token] = heads[0], whole
        return heads[0], whole


def operation_of(environ):
    """The name of the operation, as AWS has it."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.split(".")[-1]
    if environ["PATH_INFO"] == "/v2/email/outbound-emails":
        return "SendEmail"
    return S3_OPERATIONS.get(environ["REQUEST_METHOD"], environ["REQUEST_METHOD"])


def failed(fault, start_response):
    body = json.dumps({"__type": f"com.amazonaws#{fault['code']}", "message": "a fault of the test"}).encode()
    headers = [("content-type", "application/x-amz-json-1.0"), ("x-amzn-errortype", fault["code"])]
    start_response(f"{fault['status']} Fault", headers)
    return [body]


class Quiet(WSGIRequestHandler):
    # As AWS, which keeps connections open.
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


class Aws:
    """moto, listening, with the stack of the template."""

    def __init__(self, template, builds):
        """`template` is the text of a template, `builds` has the zips that it names, or the folders with `bootstrap`."""
        warnings.filterwarnings("ignore", module="moto")
        # moto runs functions in Docker; here it only stores them.
        default_user_config["lambda"]["use_docker"] = False
        self.gateway = Gateway()
        self.faults = self.gateway.faults
        self.server = make_server("127.0.0.1", 0, self.gateway, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self.server.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.deploy(template, builds)

    def client(self, service):
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def deploy(self, template, builds):
        s3 = self.client("s3")
        s3.create_bucket(Bucket=ARTIFACTS)
        template = yaml_parse(template)
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                key = f"{name}.zip"
                s3.put_object(Bucket=ARTIFACTS, Key=key, Body=zipped(builds, resource["Properties"]["CodeUri"]))
                resource["Properties"]["CodeUri"] = f"s3://{ARTIFACTS}/{key}"
        # As CloudFormation does it in AWS: the translator is the one of AWS.
        self.template = transform(template, PARAMETERS, NoPolicies())
        resources = self.template["Resources"]
        self.client("events").create_event_bus(Name=BUS)
        generate = resources["AuthSecret"]["Properties"]["GenerateSecretString"]
        secrets = self.client("secretsmanager")
        secret = secrets.create_secret(
            Name="AuthSecret", SecretString=secrets.get_random_password(**generate)["RandomPassword"]
        )
        ses = self.client("sesv2")
        ses.create_configuration_set(ConfigurationSetName=STACK)
        ses.create_email_identity(EmailIdentity=EMAIL_FROM)
        # moto's CloudFormation has none of these.
        names = {"AuthSecret": secret["ARN"], "HttpApi.ApiEndpoint": API_URL, "ConfigurationSet": STACK}
        stack = {key: value for key, value in self.template.items() if key not in ("Outputs", "Resources")}
        stack["Resources"] = {name: it for name, it in resources.items() if it["Type"] in CREATED}
        formation = self.client("cloudformation")
        formation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(named(stack, names)),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        created = formation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        self.ids = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in created}
        self.secret = secret["ARN"]
        self.table = self.ids["Table"]
        self.bucket = self.ids["Pictures"]

    def environment(self, function):
        """The variables of the function with that logical id, as Lambda has them, and those of Lambda itself."""
        set_up = self.client("lambda").get_function_configuration(FunctionName=self.ids[function])
        return {
            **{name: str(value) for name, value in set_up["Environment"]["Variables"].items()},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_SESSION_TOKEN": "tests",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(set_up["Timeout"]),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(set_up["MemorySize"]),
        }

    def items(self):
        return self.client("dynamodb").scan(TableName=self.table)["Items"]

    def mails(self, address):
        """The mails that SES accepted for an address, oldest first."""
        return [it for it in self.gateway.sent if it["Destination"]["ToAddresses"] == [address]]


class NoPolicies:
    """The template names no managed policy of AWS."""

    def load(self):
        return {}


def zipped(builds, code):
    """The zip of a function: the one that `code` names, or a stand-in for the one that SAM would make of the folder."""
    if str(code).endswith(".zip"):
        return (builds / code).read_bytes()
    zip_file = io.BytesIO()
    with zipfile.ZipFile(zip_file, "w") as archive:
        # moto keeps it, and the emulator runs the program in the folder: the content is of no matter here.
        archive.writestr("bootstrap", str(builds / str(code).split("/")[-1]))
    return zip_file.getvalue()


def named(it, names):
    """The template with the names of those resources in it."""
    if isinstance(it, list):
        return [named(part, names) for part in it]
    if isinstance(it, str):
        # In Fn::Sub.
        return re.sub(r"\$\{([\w.]+)\}", lambda found: names.get(found[1], found[0]), it)
    if not isinstance(it, dict):
        return it
    reference = it.get("Ref") or ".".join(it.get("Fn::GetAtt", []))
    if len(it) == 1 and reference in names:
        return names[reference]
    return {key: named(part, names) for key, part in it.items()}


@contextmanager
def aws(template, builds):
    """An AWS with the stack in it; moto forgets it at the end."""
    it = Aws(template, builds)
    try:
        yield it
    finally:
        it.server.shutdown()
        reset()


def reset():
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
