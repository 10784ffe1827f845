"""Writes docs/benchmarks.md from the measured values."""

import os
import platform
import re
import statistics
from pathlib import Path

OPERATIONS = ["me", "verifyToken", "refreshToken", "log-in", "sign-up"]
OURS = "Latchkey"
PEERS = ["django-graphql-auth", "better-auth"]
ALL = [OURS, "Latchkey, in memory", *PEERS]

INTRODUCTION = """\
<!-- Written by `tests/peers/run`. -->

# Benchmarks

This page compares Latchkey with two other products for user accounts, on one machine, in one run: django-graphql-auth,
whose API Latchkey has, and better-auth. Read [what was equal](#what-was-equal-and-what-was-not) before you use a
figure. Repeat the run with:

    tests/peers/run

"""

EQUALITY = """\
## What was equal, and what was not

Equal:

- The same machine, the same load generator (`wrk`, {connections} connections that send one request after the other),
  the same passwords and 200 users in each database. The load generator runs on the same processors as the servers.
- Django and Latchkey get the same GraphQL documents. better-auth gets the requests of its own client: `me` is
  `get-session` with a cookie. It has no `verifyToken` and no `refreshToken`.
- In this run, all rate limits are off, and none of the products sends mails. Latchkey still writes the mail of a sign-up to its table.
- A new user may log in without a verified address, as in the defaults of the other products.

Not equal:

| | Latchkey | django-graphql-auth | better-auth |
|---|---|---|---|
| password hash | Argon2id, 19 MiB, 2 passes | PBKDF2-SHA256, 260,000 rounds | scrypt, N = 16,384, r = 16 |
| one hash, processor time | {ours_hash:.0f} ms, with the request around it ([costs.md](costs.md#speed-and-size)) | {django_hash:.0f} ms | {ba_hash:.0f} ms |
| database | the embedded DynamoDB, a simulation in the same process, on SQLite | PostgreSQL, a server of its own | SQLite, in the same process |
| a committed write survives | the end of the process. A write of *Latchkey, in memory* does not survive that | a power failure (`fsync`) | the end of the process |
| processes | one, with a thread for each processor | gunicorn with two workers, and PostgreSQL | one, with one thread |
| access token | Ed25519. Each request also reads the session from the table, so Latchkey refuses the token of an ended session at once | HMAC; a token is valid until it expires | a random cookie; each request reads the session |
| `refreshToken` | normally, each refresh replaces the refresh token; here, all requests of a load send one token within its grace period | the same refresh token | – |
| sign-up writes | user, unique keys, session, mail and event, in one transaction | user and status | user, account and session |

So:

- **The figures of log-in and sign-up** depend more on the hash than on the product. The hash of Latchkey costs less
  processor time than those of the other products. It needs more memory than PBKDF2, and less than scrypt with these
  parameters (32 MiB). OWASP recommends each of these algorithms; the
  parameters are the defaults.
- **The figures of Latchkey are for `cargo run`**, with a simulation of DynamoDB that exists for development. In a
  deployment, each request runs in Lambda, and a call to DynamoDB takes some milliseconds. Meanwhile, the function
  mostly waits. [costs.md](costs.md) has the figures of the deployed functions.
- **Django could be faster** with a newer version, but django-graphql-auth does not support one. We use its last release
  with the last Django that it runs on.
"""


def write(found, options):
    loads, text = found["loads"], INTRODUCTION
    text += machine(found, options)
    text += "## Requests a second\n\n"
    text += (
        f"The median of {options.rounds} loads of {options.seconds} seconds each. The servers take turns. *Latchkey* stores its data in a file, and *Latchkey, in memory* stores it nowhere else than in memory (`DATA_DIR=:memory:`). A ratio divides "
        "the rate of Latchkey by that of the\nother server in the same round: the median, and in brackets the lowest and "
        "the highest. Above 1, Latchkey is faster.\n\n"
    )
    header = ["operation", *ALL, *[f"ratio to {peer}" for peer in PEERS]]
    rows = []
    for operation in OPERATIONS:
        row = [f"`{operation}`" if operation[0] in "mvr" else operation]
        row += [cell(loads.get((operation, name)), "rate") for name in ALL]
        row += [ratio(loads, operation, peer) for peer in PEERS]
        rows.append(row)
    text += table(header, rows)
    text += "\n" + slower(found) + "\n"
    for key, title, unit in (
        ("median", "Time of an answer", "Milliseconds until the answer: the median, and the 99th percentile."),
        ("cpu", "Processor time", "Milliseconds of processor time for a request, of all processes of the server."),
    ):
        text += f"## {title}\n\n{unit}\n\n"
        rows = []
        for operation in OPERATIONS:
            cells = [times(loads.get((operation, name)), key) for name in ALL]
            rows.append([f"`{operation}`" if operation[0] in "mvr" else operation, *cells])
        text += table(["operation", *ALL], rows) + "\n"
    text += memory_and_start(found)
    text += EQUALITY.format(
        connections=options.connections,
        ours_hash=hash_of_ours(),
        django_hash=found["hash"]["django-graphql-auth"],
        ba_hash=found["hash"]["better-auth"],
    )
    return text


def hash_of_ours():
    """The milliseconds of a log-in in docs/costs.md, which measures the deployed function."""
    costs = Path(__file__).resolve().parents[2] / "docs/costs.md"
    return float(re.search(r"warm: one password hash \| ([\d.]+) ms", costs.read_text())[1])


def machine(found, options):
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    model = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    bad = sum(load["bad"] for loads in found["loads"].values() for load in loads)
    return (
        f"This run: {len(os.sched_getaffinity(0))} processors ({model}). Other virtual machines and other work use them, too. So the\n"
        f"ratios, with their lowest and highest values, are more reliable than a single rate. {versions}. Bad answers: {bad}.\n\n"
    )


def slower(found):
    """The sentence about the points in which Latchkey is behind."""
    loads, behind = found["loads"], []
    for peer in PEERS:
        for operation in OPERATIONS:
            values = ratios(loads, operation, peer)
            if values and statistics.median(values) < 1:
                behind.append(f"`{operation}` is slower than with {peer}")
    memory = found["memory"]
    for peer in PEERS:
        if memory[OURS][1] > memory[peer][1]:
            behind.append(f"after the load, Latchkey uses more memory than {peer}")
        if statistics.median(found["cold"][OURS]) > statistics.median(found["cold"][peer]):
            behind.append(f"it starts more slowly than {peer}")
    if not behind:
        return (
            "In this run, Latchkey (first column) had more requests a second, less memory after the loads and a faster start "
            "than\nboth other products. Its password hash needs more memory than that of django-graphql-auth: see below.\n"
        )
    return "**Where Latchkey is behind:** " + "; ".join(behind) + ".\n"


def memory_and_start(found):
    text = (
        "## Memory and start\n\n"
        "Memory of all processes of a server, those of PostgreSQL included: PSS, in MiB. The first value is from before the loads, with 200 users. The second is from after all "
        "loads. Neither value\nincludes database files in the cache of the system. A start is the time from the start of the process "
        "to its\nfirst answer, with its files in that cache: the median, and in brackets the fastest and the slowest. "
        "PostgreSQL already\nruns then.\n\n"
    )
    rows = []
    for name in ALL:
        before, after = found["memory"][name]
        starts = sorted(found["cold"][name])
        median = statistics.median(starts)
        spread = f"{median * 1e3:.0f} ms ({starts[0] * 1e3:.0f}–{starts[-1] * 1e3:.0f})"
        rows.append([name, f"{before:.0f}", f"{after:.0f}", spread])
    return text + table(["", "MiB idle", "MiB after the loads", "start"], rows) + "\n"


def ratios(loads, operation, peer):
    pairs = zip(loads.get((operation, OURS), []), loads.get((operation, peer), []))
    return [one["rate"] / other["rate"] for one, other in pairs]


def ratio(loads, operation, peer):
    values = sorted(ratios(loads, operation, peer))
    if not values:
        return "–"
    return f"**{statistics.median(values):.1f}** ({values[0]:.1f}–{values[-1]:.1f})"


def cell(loads, key):
    return f"{statistics.median(load[key] for load in loads):.0f}" if loads else "–"


def times(loads, key):
    if not loads:
        return "–"
    value = statistics.median(load[key] for load in loads)
    if key == "cpu":
        return f"{value:.2f}"
    return f"{value:.1f} / {statistics.median(load['slow'] for load in loads):.1f}"


def table(header, rows):
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
