//! All users as records, for a move to another system.

use std::collections::VecDeque;

use super::Accounts;
use crate::error::AuthError;
use crate::model::{Actor, EventKind, NewEvent, Record, UserId};
use crate::store::{Listing, Order};
use crate::telemetry::{note, operation};

/// How many users are read at a time.
const PAGE: usize = 100;

/// All users, oldest first, in constant memory. A user who signs up in the meantime may be left out.
#[derive(Debug)]
pub struct Export<'a> {
    accounts: &'a Accounts,
    listing: Listing<'a>,
    read: VecDeque<Record>,
    is_at_end: bool,
}

impl Accounts {
    /// All users with the hashes of their passwords and with their second factors, in the name of an operator. The
    /// audit trail records the export before the first user is read.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a bad name of the operator; [`AuthError::Unavailable`].
    pub async fn export(&self, operator: &str) -> Result<Export<'_>, AuthError> {
        operation!(self.clock, "export", async {
            self.operator(operator)?;
            let by = Actor::Operator(operator.trim().to_owned());
            note("by", &by);
            self.store.add_event(NewEvent::of_network(EventKind::Exported).by(by)).await?;
            Ok(self.all_records())
        })
    }

    /// All users once more, for a format that reads them twice.
    pub fn all_records(&self) -> Export<'_> {
        let listing = self.store.list_users(Order::Age, None, None, false);
        Export { accounts: self, listing, read: VecDeque::new(), is_at_end: false }
    }
}

impl Export<'_> {
    /// The next user; `None` at the end.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn next(&mut self) -> Result<Option<Record>, AuthError> {
        while self.read.is_empty() && !self.is_at_end {
            let places = self.listing.next(PAGE).await?;
            self.is_at_end = places.len() < PAGE;
            let ids: Vec<UserId> = places.iter().map(|place| place.user).collect();
            let users = self.accounts.store.users(&ids).await?;
            let secured = users.values().filter(|user| user.has_second_factor).map(|user| user.id);
            let mut factors = self.accounts.store.factors_of(secured.collect()).await?;
            for user in ids.iter().filter_map(|id| users.get(id)) {
                let factors = factors.remove(&user.id);
                let factors = factors.map(|it| self.accounts.factors_record(it)).transpose()?;
                self.read.push_back(Record { second_factors: factors, ..Record::of(user) });
            }
        }
        Ok(self.read.pop_front())
    }
}
