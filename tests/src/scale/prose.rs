//! The texts of `docs/scale.md` that no figure changes.

pub(super) const INTRODUCTION: &str = "\
<!-- Written by `cargo run -p journeys --bin scale`. -->

# Scale

This page answers three questions: which partition of the table gets hot (reaches its limit) first, at which number of \
users, and which settings help then. Nothing here was measured on AWS. The figures come from two steps, which a test \
repeats:

1. The command `cargo run -p journeys --bin scale` carries out each operation once, with the real code and the embedded DynamoDB. It counts the read and \
write units on each partition key of the table and of its indexes.
2. It simulates the busiest hours of a day of 1, 10 and 100 million monthly users, second by second, with random \
arrivals from a fixed seed. It adds up the units for each key that users share, and compares them with the published \
limits of DynamoDB.

Figures have two significant digits. [costs.md](costs.md) has the units and the price of each operation.

## The limits of DynamoDB

- **A partition** serves 3,000 read units and 1,000 write units a second. A partition key whose items have an \
increasing sort key cannot use more than one partition at a time. So this page treats each key as one partition.
- **Adaptive capacity** moves busy keys to partitions of their own. It never raises the limit of one partition. \
DynamoDB can split a key whose requests have many sort keys, but only after some minutes of load. This page does not \
count on it.
- **Burst capacity** is unused capacity of up to five minutes. DynamoDB does not guarantee it. This page does not \
count on it. So it compares the busiest second with the limit, and shows the busiest five minutes beside it.
- **A hot partition of an index slows down the table.** DynamoDB refuses a write to the table if the index cannot \
take its part of the write (back-pressure). So one hot key of an index can stop log-ins.
- **A partition has at most 10 GB.** DynamoDB splits it by itself. The table has no local index, so the items of one \
key may exceed 10 GB.
- **The table** serves 4,000 writes and 12,000 reads a second from the start. Later it serves twice its last peak. \
The quota of an AWS account for a table is 40,000 of each, and AWS can raise it.
";

pub(super) const THROTTLED: &str = "
## How a hot key shows

The SDK makes at most three attempts at a throttled call. Then the operation answers `unavailable` (HTTP 503 in \
REST), and Latchkey makes no decision: a log-in fails, and a session stays as it is. Mails stay due. CloudWatch counts \
`WriteThrottleEvents` and `ReadThrottleEvents` of the table, and of each index with the dimension \
`GlobalSecondaryIndexName`. CloudWatch Contributor Insights for DynamoDB names the keys.
";

pub(super) const GROWTH: &str = "
## More parts without a migration

`IndexShards` (`INDEX_SHARDS`) is the number of parts of the indexes: 8, 16, 32 or 64. Raise it with a deployment. \
No item has to move:

- An existing item stays in its part. New items go to all parts.
- A larger number keeps the parts of a smaller number, and adds further ones. Lists, the clean-up and the overview of \
staff read all parts, so they find old and new items. A cursor of a client stays valid.
- With eight parts, the events of a day and a kind have one key (`EVENTS#<day>#<kind>`). With more parts, they have as \
many keys as the indexes have parts. The first one has the same name as before.

While a deployment replaces the functions, some of them still use the old number. Until they end, a list may miss \
users who signed up in the last seconds, and the clean-up may leave items for its next run. Nothing is lost.

**Never lower the number.** Lists of users would miss the users of the upper parts, although these users still log in. \
The clean-up still looks at all 64 parts every ten minutes. If it finds an item in a part above the number, it logs a \
warning with `event = \"index_shards_too_low\"`.

More parts cost reads: each page of a list and each run of the clean-up reads every part.
";

pub(super) const REGIONS: &str = "
## Many Regions

Latchkey runs in one Region. **We recommend one Region that writes, and a second Region for failover.** Do not write \
in two Regions. The reason is how global tables of DynamoDB work:

- If two Regions write the same item, the table keeps the whole item of the later write. The other write is lost \
without an error.
- A condition sees only the copy in its own Region. A transaction is atomic only in its own Region.
- Each Region has a stream of its own, with the writes of the other Regions, too.
- Global tables with strong consistency support neither transactions nor TTL. Latchkey needs both.

| | one Region writes, others read | two Regions write |
|---|---|---|
| unique addresses and usernames | safe | **unsafe**: each Region can give the same address to another user |
| one-time links and codes | safe | **unsafe**: a link works once in each Region |
| refresh tokens | safe | **unsafe**: both Regions rotate the same token. A stolen token stays unnoticed, or the user \
is logged out |
| end of all sessions, bans, roles | safe | **unsafe**: a later change of the profile in the other Region brings the \
old epoch, role or ban back |
| the last superuser | safe | **unsafe**: if there are two, each Region can remove a different one, and none is left |
| limits of guessing, rate limits of mails | safe | **weaker**: each Region counts for itself, and counts get lost |
| mails | safe, if `email-event` runs in one Region only | **twice**: `email-event` locks a mail before it sends the mail, but the lock holds in one Region only |
| clean-up | safe, if `token-cleanup` runs in one Region only | **unsafe**: it can delete a session that the other \
Region has just refreshed |
| audit trail, events | safe, if `account-event` runs in one Region only | each event is published in both Regions |
| `me`, `verifyToken`, the public keys, in a Region that only reads | safe, but late: the Region accepts an \
ended session until the change has arrived, usually within a second | the same |

What a second Region needs:

- **The table**: a replica. Its stream must have old and new images, and the functions of the second Region must not \
read that stream before the failover.
- **The same secret**: replicate it in Secrets Manager. All keys and ids of keys derive from it.
- **The same `BaseUrl`**: it is the issuer of tokens. The DNS name moves at the failover.
- **Pictures**: a replica of the bucket.
- **SES**: production access, the identity and the suppression list belong to one Region.

The template does not set this up. It makes a table and a secret of its own, and has no parameter for a replica. So \
today, a failover is a restore: [operate.md](operate.md#back-to-a-point-in-time). The last writes \
before a failover may be missing, among them ends of sessions and bans. A new secret ends all sessions: \
store one after an unplanned failover if you must prevent that an ended session becomes valid again. Ban the users of the lost bans again.

If users on two continents need short response times, put services that [verify tokens by themselves](tokens.md) near \
the users. They need no table. Only log-ins and refreshes travel to the one Region.
";
