"""Keeps the table `users` up to date: `python mirror.py` receives webhooks, `python mirror.py FILE` fills it by an export."""

import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

# An event may come twice, or late: only a newer one changes a row. For PostgreSQL, write %(id)s in place of :id.
UPSERT = """INSERT INTO users (id, username, email, is_verified, role, is_deleted, last_event)
VALUES (:id, :username, :email, :is_verified, :role, :is_deleted, :last_event)
ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email,
is_verified = excluded.is_verified, role = excluded.role, is_deleted = excluded.is_deleted,
last_event = excluded.last_event
WHERE excluded.last_event > users.last_event"""

LARGEST = 64 * 1024


def connect():
    database = sqlite3.connect(os.environ.get("DATABASE", "mirror.sqlite3"))
    database.executescript(Path(__file__).with_name("users.sql").read_text())
    return database


def row(id, user, last_event, is_deleted=False):
    return {
        "id": id,
        "username": user.get("username"),
        "email": user.get("email"),
        "is_verified": user.get("is_verified", False),
        "role": user.get("role", "user"),
        "is_deleted": is_deleted,
        "last_event": last_event,
    }


def apply(database, event):
    """Brings the row of a user up to date."""
    data = event["data"]
    if event["type"] == "user.deleted":
        database.execute(UPSERT, row(data["user_id"], {}, event["id"], is_deleted=True))
    elif user := data.get("user"):
        database.execute(UPSERT, row(data["user_id"], user, event["id"]))
    # Without `user`, the user does not exist any more: the event of the deletion follows.
    database.commit()


def fill(database, file):
    """Adds all users of `latchkey export FILE --to jsonl`. A row of an event is newer, and stays."""
    with open(file) as lines:
        database.executemany(UPSERT, (row(user["id"], user, "") for user in map(json.loads, lines)))
    database.commit()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        size = int(self.headers.get("content-length", 0))
        if size > LARGEST:
            return self.answer(413)
        body = self.rfile.read(size)
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            # The library raises ValueError for a header that is no signature.
            return self.answer(401)
        # An error here is a 500, and Latchkey sends the event again.
        apply(database, event)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


if __name__ == "__main__":
    database = connect()
    if len(sys.argv) > 1:
        fill(database, sys.argv[1])
    else:
        webhook = Webhook(os.environ["WEBHOOK_SECRET"])
        HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
