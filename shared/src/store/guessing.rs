//! The failed log-ins that limits count, for all functions together.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::Timestamp;

use super::ending::STANDS;
use super::item::{Key, NewItem, n, s, unbuildable};
use super::read::take;
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult, refused_update};
use super::version::{ItemKind, Stored, read};
use super::{Store, Subject};
use crate::model::guessing::{MOST_IN_A_ROW, WARNED_AT};
use crate::model::{
    Actor, EventKind, Mail, NewEvent, PasswordHash, Permission, Rule, Scope, Tally, User, UserId,
};

/// The attributes of a user item that count wrong passwords in a row.
pub(super) const FAILURES: &str = "password_failures, known_password_failures";
/// How often a write is tried again after another write came first. Each of the other writes has counted a failure, so
/// a limit below this number is reached before the tries end.
const ATTEMPTS: u32 = 256;

/// Whose failures are counted together: which scope, and which account, network, device or session, as a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guesser {
    /// The scope.
    pub scope: Scope,
    /// The digest.
    pub digest: String,
}

impl Stored for Tally {
    const KIND: ItemKind = ItemKind::Guesses;
}

/// What became of a write.
enum Written {
    Done,
    /// Another write was first: the tally as it is.
    Lost(Tally),
}

/// The item of a tally.
fn tally_item(guesser: &Guesser, tally: &Tally) -> Result<Item, StoreError> {
    let item = NewItem::new(guesser.key(), ItemKind::Guesses).with_data(tally)?;
    Ok(item.expiring(tally.ends_at(guesser.scope)).attributes())
}

/// The condition that no other write came since `revision`, and its values.
fn unchanged(revision: u64) -> (&'static str, Option<Item>) {
    if revision == 0 {
        ("attribute_not_exists(pk)", None)
    } else {
        let values = Item::from([(":revision".to_owned(), n(revision))]);
        ("revision = :revision", Some(values))
    }
}

impl Guesser {
    pub(super) fn key(&self) -> Key {
        Key::guesses(&self.digest, self.scope)
    }
}

impl Store {
    /// The user of that address or name, and the tally of each guesser, in one call.
    pub async fn find_user_and_tallies(
        &self,
        subject: Option<&Subject>,
        guessers: &[Guesser],
    ) -> Result<(Option<UserId>, Vec<Tally>), StoreError> {
        let keys: Vec<Key> = guessers.iter().map(Guesser::key).collect();
        let (user, found) = self.find_user_and(subject, &keys).await?;
        let tallies = keys.iter().map(|key| match take(&found, key) {
            Some(item) => read::<Tally>(item),
            None => Ok(Tally::default()),
        });
        Ok((user, tallies.collect::<Result<_, _>>()?))
    }

    /// The tally of each guesser.
    pub async fn tallies(&self, guessers: &[Guesser]) -> Result<Vec<Tally>, StoreError> {
        if guessers.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.find_user_and_tallies(None, guessers).await?.1)
    }

    /// Counts one failure at that account, unless the limits permit no further attempt: then nothing is written.
    /// Failures at the same time cannot exceed the limits together. `known` is the tally as it was read; `permission`
    /// says whether an attempt may go on with a tally. If the failure locks a network, the same write records the event
    /// of that.
    pub async fn count_failure(
        &self,
        (guesser, known): (&Guesser, &Tally),
        account: &str,
        now: Timestamp,
        permission: impl Fn(&Tally) -> Permission,
    ) -> Result<Permission, StoreError> {
        self.change((guesser, known), |tally| match permission(tally) {
            Permission::Permitted => Ok(tally.count(guesser.scope, account, now)),
            refused @ (Permission::Until(..) | Permission::Disabled(_)) => Err(refused),
        })
        .await
    }

    /// Forgets so many failures at that account.
    pub async fn forgive(
        &self,
        (guesser, known): (&Guesser, &Tally),
        account: &str,
        failures: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change((guesser, known), |tally| {
            tally.forgive(guesser.scope, account, failures, now);
            Ok(None)
        })
        .await
        .map(drop)
    }

    /// Forgets all failures, and the lock that they led to.
    pub async fn forget(&self, guesser: &Guesser) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.table);
        request.set_key(Some(guesser.key().attributes())).send().await?;
        Ok(())
    }

    /// Spends the proof of work of that id, which is invalid after that epoch second anyway. `false` if it was spent
    /// before.
    pub async fn spend(&self, id: &str, ends_at: i64) -> Result<bool, StoreError> {
        let item = NewItem::new(Key::jti(id), ItemKind::TokenId).expiring(ends_at);
        let request = self.client.put_item().table_name(&self.table);
        let request = request.set_item(Some(item.attributes()));
        match request.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Changes the tally as it is, however many others change it at the same time. `change` returns the rule of a lock
    /// that begins.
    async fn change(
        &self,
        (guesser, known): (&Guesser, &Tally),
        change: impl Fn(&mut Tally) -> Result<Option<Rule>, Permission>,
    ) -> Result<Permission, StoreError> {
        let mut known = known.clone();
        for _ in 0..ATTEMPTS {
            let mut next = known.clone();
            let locked_by = match change(&mut next) {
                Ok(locked_by) => locked_by.filter(|_| guesser.scope.is_of_network()),
                Err(refused) => return Ok(refused),
            };
            next.revision = u64::from_le_bytes(self.random.bytes()).max(1);
            let written = match locked_by {
                Some(rule) => self.put_lock(guesser, &next, known.revision, rule).await?,
                None => self.put_tally(guesser, &next, known.revision).await?,
            };
            match written {
                Written::Done => return Ok(Permission::Permitted),
                // The answer to an earlier try of the same write was lost.
                Written::Lost(now) if now.revision == next.revision => {
                    return Ok(Permission::Permitted);
                }
                Written::Lost(now) => known = now,
            }
        }
        Err(StoreError::Conflict)
    }

    /// On the condition that no other write came since `revision`.
    async fn put_tally(
        &self,
        guesser: &Guesser,
        next: &Tally,
        revision: u64,
    ) -> Result<Written, StoreError> {
        let (condition, values) = unchanged(revision);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(tally_item(guesser, next)?))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else { return Ok(Written::Done) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let now = failed.item.clone().map(read::<Tally>).transpose()?;
                Ok(Written::Lost(now.unwrap_or_default()))
            }
            _ => Err(error.into()),
        }
    }

    /// The same, for a tally that locks a network by that rule: in one transaction with the event.
    async fn put_lock(
        &self,
        guesser: &Guesser,
        next: &Tally,
        revision: u64,
        rule: Rule,
    ) -> Result<Written, StoreError> {
        let (condition, values) = unchanged(revision);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(tally_item(guesser, next)?))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build();
        let put = TransactWriteItem::builder().put(put.map_err(unbuildable)?).build();
        let mut transaction = Transaction::default().with(Part::Guesses, put);
        let event = NewEvent::of_network(EventKind::NetworkLocked).about(rule.name());
        self.record(&mut transaction, event)?;
        match self.transact(transaction).await? {
            TransactionResult::Done => Ok(Written::Done),
            TransactionResult::Refused(_) => {
                let now = self.tallies(std::slice::from_ref(guesser)).await?.pop();
                Ok(Written::Lost(now.unwrap_or_default()))
            }
        }
    }

    /// Counts one more wrong password in a row, from known devices and sessions or from all others, and writes the
    /// mails. `false` when the user is not what the caller knows any more: then nothing is written.
    pub async fn count_wrong_password(
        &self,
        user: &User,
        is_known: bool,
        mails: &[Mail],
    ) -> Result<bool, StoreError> {
        let name = if is_known { "known_password_failures" } else { "password_failures" };
        let failures = user.failures_in_a_row(is_known);
        let same = if failures == 0 {
            format!("attribute_not_exists({name})")
        } else {
            format!("{name} = :failures")
        };
        let update = format!("SET {name} = :next");
        let condition = format!("password = :password AND {same} AND {STANDS}");
        let password = user.password.as_ref().map_or("", PasswordHash::expose);
        let mut values = vec![
            (":next", n(failures + 1)),
            (":password", s(password)),
            (":now", n(self.clock.now().as_second())),
        ];
        values.extend((failures > 0).then(|| (":failures", n(failures))));
        let event = match failures + 1 {
            1 => Some(NewEvent::of(EventKind::LogInFailed, user.id).times(1)),
            MOST_IN_A_ROW => Some(NewEvent::of(EventKind::PasswordDisabled, user.id)),
            count if count == WARNED_AT[0] => {
                Some(NewEvent::of(EventKind::Locked, user.id).times(count))
            }
            count if WARNED_AT.contains(&count) => {
                Some(NewEvent::of(EventKind::LogInFailed, user.id).times(count))
            }
            _ => None,
        };
        if let Some(event) = event {
            let by = if is_known { Actor::Oneself } else { Actor::Anonymous };
            let count = self.update_if(Key::user(user.id), &update, &condition, values)?;
            let mut transaction = Transaction::default().with(Part::User, count);
            transaction.extend(Part::Mail, self.put_mails(mails)?);
            self.record(&mut transaction, event.by(by))?;
            return Ok(matches!(self.transact(transaction).await?, TransactionResult::Done));
        }
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::user(user.id).attributes()))
            .update_expression(update)
            .condition_expression(condition);
        let answer = values
            .into_iter()
            .fold(request, |request, (name, value)| {
                request.expression_attribute_values(name, value)
            })
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
    }
}
