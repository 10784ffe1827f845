"""The measured servers. Each starts on free ports, with its own database and 200 users."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORD = "kdjf84jfKKd"
SEEDED = 200
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(url, body, headers=None):
    """The JSON answer and its headers."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer), answer.headers


def until_it_answers(url, body=None):
    """Seconds until the first answer of any status."""
    began = time.monotonic()
    while time.monotonic() - began < 120:
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=60).close()
            return time.monotonic() - began
        except urllib.error.HTTPError:
            return time.monotonic() - began
        except OSError:
            time.sleep(0.002)
    raise TimeoutError(url)


def processes(pid):
    """The process and all below it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{task}/children").read_text()
                todo += [int(child) for child in children.split()]
        except OSError:
            pass
    return set(found)


class Server:
    """A server under load."""

    name = ""
    base = ""

    def pids(self):
        raise NotImplementedError

    def cpu(self):
        """Seconds of processor time so far."""
        ticks = 0
        for pid in self.pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / TICKS

    def memory(self):
        """MiB; a page that several processes share counts in part for each (PSS)."""
        kibibytes = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kibibytes += int(line.split()[1])
        return kibibytes / 1024


class GraphQl(Server):
    """Latchkey and django-graphql-auth have the same schema."""

    def graphql(self, document):
        return post(self.base + "/graphql", {"query": document})[0]["data"]

    def seed(self):
        for number in range(SEEDED):
            answer = self.graphql(register(f"seed{number}"))
            if not answer["register"]["success"]:
                raise RuntimeError(f"{self.name}: {answer}")

    def request(self, operation):
        """The environment of `load.lua`."""
        tokens = self.graphql(log_in("seed100"))["tokenAuth"]
        documents = {
            "me": "{me{id pk username email verified archived secondaryEmail}}",
            "verifyToken": 'mutation{verifyToken(token:"%s"){success errors payload}}' % tokens["token"],
            "refreshToken": 'mutation{refreshToken(refreshToken:"%s"){success errors token refreshToken payload}}'
            % tokens["refreshToken"],
            "log-in": log_in("seed100"),
            "sign-up": register("@N@"),
        }
        request = {
            "LOAD_PATH": "/graphql",
            "LOAD_BODY": json.dumps({"query": documents[operation]}),
            "LOAD_EXPECTED": '"success":true',
        }
        if operation == "me":
            request["LOAD_AUTHORIZATION"] = "JWT " + tokens["token"]
            request["LOAD_EXPECTED"] = '"username":"seed100"'
        return request


def register(name):
    arguments = f'email:"{name}@example.com",username:"{name}",password1:"{PASSWORD}",password2:"{PASSWORD}"'
    return f"mutation{{register({arguments}){{success errors token refreshToken}}}}"


def log_in(name):
    return f'mutation{{tokenAuth(username:"{name}",password:"{PASSWORD}"){{success errors token refreshToken}}}}'


class Latchkey(GraphQl):
    """`cargo run --release`: the API and the embedded DynamoDB in one process."""

    def __init__(self, binary, folder, in_memory=False):
        self.name = "Latchkey, in memory" if in_memory else "Latchkey"
        self.base = f"http://127.0.0.1:{free_port()}"
        data = ":memory:" if in_memory else str(folder / "data")
        settings = {
            "PORT": self.base.rsplit(":", 1)[1],
            "AWS_PORT": "0",
            "DATA_DIR": data,
            "LOG_LEVEL": "warn",
            # Like the peers: no limits, and a new user may log in.
            "THROTTLE": "off",
            "ALLOW_LOGIN_NOT_VERIFIED": "true",
            # The load uses one refresh token again and again.
            "REFRESH_GRACE": "120",
        }
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([binary], env={**os.environ, **settings}, **quiet)
        self.cold_start = until_it_answers(self.base + "/health")

    def pids(self):
        return processes(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Postgres:
    """PostgreSQL with its default settings, so with `fsync`."""

    def __init__(self, folder):
        self.port = str(free_port())
        self.folder = folder / "postgres"
        self.bin = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
        self.user = "postgres" if os.getuid() == 0 else os.environ["USER"]
        self.folder.mkdir()
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root.
            for parent in [self.folder, folder]:
                shutil.chown(parent, self.user, self.user)
        self.run("initdb", "-D", self.folder, "-A", "trust", "-U", self.user)
        log = self.folder / "log"
        self.run("pg_ctl", "-D", self.folder, "-w", "-l", log, "-o", f"-p {self.port} -k /tmp", "start")
        self.run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", self.user, "peer")

    def run(self, program, *arguments):
        as_user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        as_user = as_user if os.getuid() == 0 else []
        command = [*as_user, self.bin / program, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def version(self):
        return subprocess.check_output([self.bin / "postgres", "--version"], text=True).split()[2]

    def pid(self):
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def stop(self):
        self.run("pg_ctl", "-D", self.folder, "-m", "fast", "stop")


class Django(GraphQl):
    """django-graphql-auth under gunicorn, with a worker for each of two processors, on PostgreSQL."""

    name = "django-graphql-auth"

    @staticmethod
    def environment(postgres):
        database = {"POSTGRES_PORT": postgres.port, "POSTGRES_USER": postgres.user}
        return {**os.environ, **database, "PYTHONWARNINGS": "ignore"}

    @classmethod
    def make_tables(cls, venv, site, postgres):
        env = cls.environment(postgres)
        for arguments in (["makemigrations", "users"], ["migrate"]):
            command = [venv / "bin/python", "manage.py", *arguments, "--verbosity", "0"]
            subprocess.run(command, cwd=site, env=env, check=True)

    def __init__(self, venv, site, postgres):
        self.postgres = postgres
        self.base = f"http://127.0.0.1:{free_port()}"
        address = self.base.removeprefix("http://")
        env = self.environment(postgres)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [venv / "bin/gunicorn", "peer.wsgi", "-b", address, "-w", "2"]
        self.process = subprocess.Popen(command, cwd=site, env=env, **quiet)
        self.cold_start = until_it_answers(self.base + "/graphql", b'{"query":"{__typename}"}')

    def pids(self):
        return processes(self.process.pid) | processes(self.postgres.pid())

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class BetterAuth(Server):
    """better-auth in one process of Node, on SQLite."""

    name = "better-auth"

    def __init__(self, site, folder):
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        database = folder / "better-auth.db"
        env = {**os.environ, "NODE_ENV": "production", "PORT": str(port), "DATABASE": str(database)}
        for file in folder.glob("better-auth.db*"):
            file.unlink()
        subprocess.run(["node", "server.mjs"], cwd=site, env={**env, "MIGRATE": "1"}, check=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(["node", "server.mjs"], cwd=site, env=env, **quiet)
        self.cold_start = until_it_answers(self.base + "/api/auth/get-session")

    def seed(self):
        for number in range(SEEDED):
            self.post("sign-up/email", self.account(f"seed{number}"))

    def post(self, path, body):
        return post(f"{self.base}/api/auth/{path}", body, {"Origin": self.base})

    def account(self, name):
        return {"name": name, "email": f"{name}@example.com", "password": PASSWORD}

    def request(self, operation):
        """The environment of `load.lua`; `None` for an operation that better-auth does not have."""
        request = {"LOAD_ORIGIN": self.base, "LOAD_EXPECTED": '"user":{'}
        account = self.account("seed100")
        if operation == "me":
            _, headers = self.post("sign-in/email", account)
            cookies = [cookie.split(";")[0] for cookie in headers.get_all("Set-Cookie")]
            return {**request, "LOAD_PATH": "/api/auth/get-session", "LOAD_COOKIE": "; ".join(cookies)}
        if operation == "log-in":
            body = json.dumps({"email": account["email"], "password": PASSWORD})
            return {**request, "LOAD_PATH": "/api/auth/sign-in/email", "LOAD_BODY": body}
        if operation == "sign-up":
            body = json.dumps(self.account("@N@"))
            return {**request, "LOAD_PATH": "/api/auth/sign-up/email", "LOAD_BODY": body}
        return None

    def pids(self):
        return processes(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def folder_of_its_own():
    return Path(tempfile.mkdtemp(prefix="latchkey-peers-", dir="/var/tmp"))
