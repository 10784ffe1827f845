//! The audit trail. Its items are written once: no verb changes or deletes them, and no function may. DynamoDB deletes
//! them after [`Store::with_audit_lifetime`].

use aws_sdk_dynamodb::types::Select;
use futures::future::try_join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::item::{Key, NewItem, s};
use super::transaction::{Item, Part, StoreError, Transaction};
use super::version::{ItemKind, Stored, read};
use crate::model::session::seconds_after;
use crate::model::{
    Actor, AuditEvent, EventId, EventKind, Factor, Mail, NewEvent, Trail, TrailPage, User, UserId,
};
use crate::telemetry::origin;

/// How long the events are kept if no setting says so.
pub(super) const AUDIT_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The most events of a page.
pub const MOST_EVENTS: usize = 100;

impl Stored for AuditEvent {
    const KIND: ItemKind = ItemKind::Audit;
}

impl Store {
    /// The same table, which keeps the events of the audit trail so long.
    #[must_use]
    pub fn with_audit_lifetime(self, audit_lifetime: SignedDuration) -> Self {
        Self { audit_lifetime, ..self }
    }

    /// Writes an event that no other write causes. A second try of the same write changes nothing.
    pub async fn add_event(&self, event: NewEvent) -> Result<(), StoreError> {
        self.put_all(self.event_items(event)?).await
    }

    /// Writes an event that no other write causes, and the mails about it, all or nothing.
    pub async fn add_event_with_mails(
        &self,
        event: NewEvent,
        mails: &[Mail],
    ) -> Result<(), StoreError> {
        let mut transaction = Transaction::default();
        transaction.extend(Part::Mail, self.put_mails(mails)?);
        self.record(&mut transaction, event)?;
        self.transact(transaction).await.map(drop)
    }

    /// As part of a transaction: the event of it, and the end of sessions that comes with it, if that is listed.
    pub(super) fn record(
        &self,
        transaction: &mut Transaction,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        self.revoke(transaction, &event)?;
        for item in self.event_items(event)? {
            transaction.add(Part::Audit, self.put_new(item)?);
        }
        Ok(())
    }

    /// As part of a transaction that also proves the address of a user: the event of that, if the user had not proven an
    /// address before.
    pub(super) fn record_proof(
        &self,
        transaction: &mut Transaction,
        user: &User,
        factor: Factor,
    ) -> Result<(), StoreError> {
        if user.is_verified {
            return Ok(());
        }
        let event = NewEvent::of(EventKind::AddressVerified, user.id);
        self.record(transaction, event.with(factor))
    }

    /// The items of an event. An event that staff caused has two: one in the trail of the user, one in that of the
    /// member of staff, so that one query reads either.
    pub(super) fn event_items(&self, event: NewEvent) -> Result<Vec<NewItem>, StoreError> {
        let now = self.clock.now();
        let origin = origin();
        let NewEvent { event, user_id, by, is_refused, reason, detail, count, factor, batch } =
            event;
        let event = AuditEvent {
            id: self.event_ids.next(&self.random, now).into(),
            at: now,
            event,
            user_id,
            by,
            is_refused,
            reason,
            detail,
            count,
            factor,
            ip: origin.ip,
            user_agent: origin.user_agent,
            request_id: origin.request_id,
            batch,
        };
        let ends_at = seconds_after(now, self.audit_lifetime);
        let own = match event.user_id {
            Some(user) => Trail::Of(user),
            None => Trail::OfNoUser,
        };
        let item = |trail| {
            let key = Key::event(trail, event.id);
            let item = NewItem::new(key, ItemKind::Audit).with_data(&event)?;
            Ok::<_, StoreError>(item.expiring(ends_at))
        };
        let part = event.user_id.map_or(0, UserId::last_byte) % self.shards.of_events();
        let day = events_pk(date(now), event.event, part);
        let mut items = vec![item(own)?.with("list_pk", s(day))];
        if matches!(event.by, Actor::Staff(_) | Actor::Operator(_)) {
            items.push(item(Trail::By(&event.by))?);
        }
        Ok(items)
    }

    /// A page of a trail, newest event first; it begins before the event `before`, if that is given. At most
    /// [`MOST_EVENTS`].
    pub async fn trail(
        &self,
        trail: Trail<'_>,
        before: Option<EventId>,
        count: usize,
    ) -> Result<TrailPage, StoreError> {
        let count = count.clamp(1, MOST_EVENTS);
        let start = before.map(|before| Key::event(trail, before).attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :trail")
            .expression_attribute_values(":trail", s(Key::trail(trail)))
            // The id of an event begins with its time.
            .scan_index_forward(false)
            .limit(i32::try_from(count + 1).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await?;
        let items = answer.items.unwrap_or_default().into_iter();
        let mut events: Vec<AuditEvent> = items.map(read).collect::<Result<_, _>>()?;
        let has_more = events.len() > count;
        events.truncate(count);
        let next = events.last().filter(|_| has_more).map(|last| last.id);
        Ok(TrailPage { events, next })
    }

    /// How many events of that kind a day (UTC) has: exactly up to `most`, which stands for all higher numbers. Reads
    /// keys of an index, which follows the table by some milliseconds.
    pub async fn count_events(
        &self,
        day: Date,
        kind: EventKind,
        most: u32,
    ) -> Result<u32, StoreError> {
        let mut counted = 0;
        for part in 0..self.shards.of_events() {
            if counted < most {
                counted += self.count_part(&events_pk(day, kind, part), most - counted).await?;
            }
        }
        Ok(counted)
    }

    /// How many events a part of a day has, up to `most`.
    async fn count_part(&self, part: &str, most: u32) -> Result<u32, StoreError> {
        let mut counted = 0;
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("list")
                .key_condition_expression("list_pk = :day")
                .expression_attribute_values(":day", s(part))
                .select(Select::Count)
                .limit(i32::try_from(most - counted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await?;
            counted += u32::try_from(answer.count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() || counted >= most {
                return Ok(counted.min(most));
            }
        }
    }

    /// Puts all of the items, each of which is new, at the same time. It is no transaction: the caller counts on none of
    /// them before all are written. `BatchWriteItem` would be one call, but the permission for it is also one to delete.
    pub(super) async fn put_all(&self, items: Vec<NewItem>) -> Result<(), StoreError> {
        try_join_all(items.into_iter().map(|item| self.add_new(item))).await.map(drop)
    }
}

/// The event of the audit trail in a record of the table's stream, if the record is of the trail of a user. The copy
/// for the one who caused it, and events of no user, are `None`.
///
/// # Errors
/// For an item that this release cannot read.
pub fn event_in(image: serde_dynamo::Item) -> Result<Option<AuditEvent>, StoreError> {
    let item: Item = image.into();
    let key = item.get("pk").and_then(|pk| pk.as_s().ok().cloned());
    let event: AuditEvent = read(item)?;
    let own = event.user_id.map(|user| Key::trail(Trail::Of(user)));
    Ok((own.is_some() && own == key).then_some(event))
}

/// The day of a moment, in UTC.
pub(crate) fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// That part of the events of a kind of a day, in the index `list`. The first part has the name that it had when it was
/// the only one.
fn events_pk(day: Date, kind: EventKind, part: u8) -> String {
    match part {
        0 => format!("EVENTS#{day}#{kind}"),
        part => format!("EVENTS#{day}#{kind}#{part}"),
    }
}
