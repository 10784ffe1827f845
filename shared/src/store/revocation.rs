//! The ends of sessions, for services that verify access tokens by themselves.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Store;
use super::item::{Key, NewItem, REVOCATIONS, s};
use super::transaction::{Part, StoreError, Transaction};
use super::version::{ItemKind, Stored, read};
use crate::model::session::seconds_after;
use crate::model::{NewEvent, Revocation, Revocations};

/// How many ends are listed at most: less than the megabyte that one query reads.
pub const MOST_REVOCATIONS: usize = 3_000;
/// How far the clocks of two functions, or of a function and a service, may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

impl Stored for Revocation {
    const KIND: ItemKind = ItemKind::Revocation;
}

impl Store {
    /// The same table, which lists the ends of sessions for as long as an access token may live; `None` lists none.
    #[must_use]
    pub fn with_revocations(self, lifetime: Option<SignedDuration>) -> Self {
        Self { revocations: lifetime, ..self }
    }

    /// Whether ends of sessions are listed.
    pub fn lists_revocations(&self) -> bool {
        self.revocations.is_some()
    }

    /// As part of a transaction: lists the end of sessions that comes with an event, if any.
    pub(super) fn revoke(
        &self,
        transaction: &mut Transaction,
        event: &NewEvent,
    ) -> Result<(), StoreError> {
        let Some(lifetime) = self.revocations else { return Ok(()) };
        let now = self.clock.now();
        let id = self.event_ids.next(&self.random, now).into();
        let Some(revocation) = Revocation::of(event, id) else { return Ok(()) };
        let item = NewItem::new(Key::revocation(id), ItemKind::Revocation);
        let item = item.with_data(&revocation)?.expiring(seconds_after(now, lifetime + SKEW));
        transaction.add(Part::Audit, self.put_new(item)?);
        Ok(())
    }

    /// The ends of sessions whose access tokens may still be valid, newest first: one query.
    pub async fn revocations(&self, now: Timestamp) -> Result<Revocations, StoreError> {
        let since = now - self.revocations.unwrap_or_default() - SKEW;
        let millis = u128::try_from(since.as_millisecond()).unwrap_or_default();
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk >= :since")
            .expression_attribute_values(":pk", s(REVOCATIONS))
            .expression_attribute_values(":since", s(Uuid::from_u128(millis << 80).to_string()))
            .scan_index_forward(false)
            .limit(i32::try_from(MOST_REVOCATIONS + 1).unwrap_or(i32::MAX))
            .send()
            .await?;
        let is_cut = page.last_evaluated_key.is_some();
        let items = page.items.unwrap_or_default().into_iter().map(read);
        let mut ends: Vec<Revocation> = items.collect::<Result<_, _>>()?;
        let is_truncated = is_cut || ends.len() > MOST_REVOCATIONS;
        ends.truncate(MOST_REVOCATIONS);
        Ok(Revocations { ends, is_truncated })
    }
}
