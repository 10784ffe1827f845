"""A Latchkey of a test's own, an issuer of forged tokens, and what a verifier must make of their tokens."""

import hmac
import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

ROOT = Path(__file__).resolve().parents[2]
LATCHKEY = ROOT / "target" / "debug" / "latchkey"
GUIDE = (ROOT / "docs" / "tokens.md").read_text()

ALGORITHMS = ["EdDSA", "ES256"]
# What the guide's examples allow clocks to differ by, in seconds.
LEEWAY = 5
# How long anything may take, in seconds.
PATIENCE = 60

REGISTER = """mutation { register(email: "ann@example.com", username: "ann", password1: "kdjf84jfKKd",
    password2: "kdjf84jfKKd") { success errors token refreshToken } }"""

# The id of a user of the forge.
EVE = "01a1fe34-06c5-710d-ac30-2270c9578066"

# Why a token is refused, as the examples say it: Python, Node. A refusal for another reason shows nothing.
BAD_ALGORITHM = ("InvalidAlgorithmError", "ERR_JOSE_ALG_NOT_ALLOWED")
BAD_AUDIENCE = ("InvalidAudienceError", 'ERR_JWT_CLAIM_VALIDATION_FAILED unexpected "aud"')
BAD_ISSUER = ("InvalidIssuerError", 'ERR_JWT_CLAIM_VALIDATION_FAILED unexpected "iss"')
BAD_KIND = ("InvalidTokenError not an access token", 'ERR_JWT_CLAIM_VALIDATION_FAILED unexpected "typ"')
BAD_SIGNATURE = ("InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
EXPIRED = ("ExpiredSignatureError", "ERR_JWT_EXPIRED")
INCOMPLETE = ("MissingRequiredClaimError", 'ERR_JWT_CLAIM_VALIDATION_FAILED missing required "exp"')
NO_KEY = ("PyJWKClientError", "ERR_JWKS_NO_MATCHING_KEY")
NO_TOKEN = ("DecodeError", "ERR_JWS_INVALID")
NOT_YET = ("ImmatureSignatureError", 'ERR_JWT_CLAIM_VALIDATION_FAILED "nbf"')
# jose looks at the algorithm first, PyJWT for the key.
OF_ANOTHER_KIND = ("PyJWKClientError", "ERR_JOSE_ALG_NOT_ALLOWED")

failures = []


def expect(holds, message):
    if not holds:
        failures.append(message)
        print("FAILED:", message, file=sys.stderr)


def die(message):
    sys.exit(f"{Path(sys.argv[0]).resolve().relative_to(ROOT)}: {message}")


def block(language):
    """The one block of code in that language that the guide has."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    if len(blocks) != 1:
        die(f"docs/tokens.md has {len(blocks)} blocks of {language}, not one")
    return blocks[0]


class Site:
    """A Latchkey of its own, with a secret of its own."""

    def __init__(self, stack, algorithm, **settings):
        environment = {"PORT": "0", "AWS_PORT": "0", "DATA_DIR": ":memory:", "LOG_LEVEL": "error", "THROTTLE": "off"}
        environment |= {"JWT_ALGORITHM": algorithm, **settings}
        self.process = stack.enter_context(started([LATCHKEY], environment))
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        ready = re.match(r"Latchkey is ready at (\S+) .* AWS: (\S+)", self.process.stdout.readline())
        watchdog.cancel()
        if not ready:
            die(f"Latchkey did not start with JWT_ALGORITHM={algorithm}, see above")
        self.url, self.aws = ready[1], ready[2]
        self.address = f"http://localhost:{settings['PORT']}" if "PORT" in settings else self.url

    def ask(self, document):
        body = json.dumps({"query": document}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            (field,) = json.load(answer)["data"].values()
        return field

    def log_in(self, name, password="kdjf84jfKKd"):
        """An access token."""
        answer = self.ask(f'mutation {{ tokenAuth(username: "{name}", password: "{password}") {{ errors token }} }}')
        return answer["token"] or die(f"{name} cannot log in: {answer['errors']}")

    def confirm(self, address):
        """Follows the link that was mailed to an address."""
        for _ in range(10 * PATIENCE):
            with urllib.request.urlopen(f"{self.aws}/_aws/ses", timeout=PATIENCE) as answer:
                mails = json.load(answer)["messages"]
            texts = [mail["Body"]["text_part"] for mail in mails if address in mail["Destination"]["ToAddresses"]]
            links = [line.strip() for text in texts for line in text.splitlines() if line.startswith(self.url)]
            if links:
                urllib.request.urlopen(urllib.request.Request(links[0], b""), timeout=PATIENCE).close()
                return
            time.sleep(0.1)
        die(f"no mail to {address}")

    def register(self):
        """An access token, a refresh token, and what an example must say of the user."""
        answer = self.ask(REGISTER)
        if not answer["success"]:
            die(f"no user could register: {answer['errors']}")
        return answer["token"], answer["refreshToken"], f"{claims_of(answer['token'])['sub']} ann"


@contextmanager
def started(command, environment):
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Forge:
    """An issuer whose key the test has: it signs what Latchkey never would, and counts who asks for keys."""

    def __init__(self, stack, algorithm):
        self.algorithm = algorithm
        if algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
            public = jwt.algorithms.OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
            public = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        key_set = {"keys": [{**public, "kid": "forged", "use": "sig", "alg": algorithm}]}
        self.fetches = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):
                self.fetches += 1
                handler.send_response(200 if handler.path == "/.well-known/jwks.json" else 404)
                handler.end_headers()
                handler.wfile.write(json.dumps(key_set).encode())

            def log_message(handler, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"
        now = int(time.time())
        self.claims = {"iss": self.url, "aud": "latchkey", "sub": EVE, "username": "eve", "role": "user"}
        self.claims |= {"iat": now, "exp": now + 900}

    def token(self, header=None, without=None, **claims):
        claims = {name: value for name, value in {**self.claims, **claims}.items() if name != without}
        header = {"typ": "at+jwt", "kid": "forged", "alg": self.algorithm, **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{encoded(header)}.{encoded(claims)}"
        return f"{signed}.{base64url(self.signature(header['alg'], signed.encode()))}"

    def signature(self, algorithm, signed):
        if algorithm == "none":
            return b""
        if algorithm == "HS256":
            # With what is published as the key (RFC 8725, 2.1).
            public = self.private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return hmac.digest(public, signed, "sha256")
        return jwt.get_algorithm_by_name(algorithm).sign(signed, self.private)

    def cases(self):
        past, future = time.time() - 2 * LEEWAY, time.time() + 10 * LEEWAY
        unknown = [f"key {n} of nobody" for n in range(3)]
        return [
            ("what is as it should be", self.token(), f"{EVE} eve"),
            *((kid, self.token({"kid": kid}), NO_KEY) for kid in unknown),
            ("a typ of JWT", self.token({"typ": "JWT"}), BAD_KIND),
            ("a refresh token's typ", self.token({"typ": "rt+jwt"}), BAD_KIND),
            ("no typ", self.token({"typ": None}), BAD_KIND),
            ("another issuer", self.token(iss="https://elsewhere.example"), BAD_ISSUER),
            ("another audience", self.token(aud="elsewhere"), BAD_AUDIENCE),
            ("an end that has passed", self.token(exp=past), EXPIRED),
            ("no end", self.token(without="exp"), INCOMPLETE),
            ("not before a later time", self.token(nbf=future), NOT_YET),
            ("HS256 by the public key", self.token({"alg": "HS256"}), BAD_ALGORITHM),
            ("no signature", self.token({"alg": "none"}), BAD_ALGORITHM),
        ]


def base64url(data):
    return jwt.utils.base64url_encode(data).decode()


def encoded(part):
    return base64url(json.dumps(part, separators=(",", ":")).encode())


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def with_kid(token, kid):
    """The token with another key id, and the signature that it had."""
    _, payload, signature = token.split(".")
    return ".".join([encoded({**jwt.get_unverified_header(token), "kid": kid}), payload, signature])


def with_name(token, name):
    """The token with another user name, and the signature that it had."""
    header, _, signature = token.split(".")
    return ".".join([header, encoded({**claims_of(token), "username": name}), signature])


def with_signature_altered(token):
    """The token with one character changed in the middle of its signature."""
    signed, signature = token.rsplit(".", 1)
    middle = len(signature) // 2
    other = "B" if signature[middle] == "A" else "A"
    return f"{signed}.{signature[:middle]}{other}{signature[middle + 1:]}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            die(f"waited {PATIENCE}s in vain until {what}")
        time.sleep(0.1)


def cases_of(site, impostor, forge):
    """What tokens of the site, altered ones and strange ones must come to; and a user's two tokens and its name."""
    token, refresh, ann = site.register()
    strange, _, _ = impostor.register()
    expect(claims_of(strange)["iss"] == site.url, "the impostor does not name the site as issuer")
    kid = jwt.get_unverified_header(token)["kid"]
    cases = [
        ("the access token", token, ann),
        ("a key id with one character more", with_kid(token, f"{kid}A"), NO_KEY),
        ("a name with one character changed", with_name(token, "amn"), BAD_SIGNATURE),
        ("an altered signature", with_signature_altered(token), BAD_SIGNATURE),
        ("the refresh token", refresh, OF_ANOTHER_KIND),
        ("a token under another secret", strange, NO_KEY),
        ("another's token with the name of the key", forge.token({"kid": kid}, iss=site.url), BAD_SIGNATURE),
        ("no token", "ann", NO_TOKEN),
    ]
    return cases, token, refresh, ann
