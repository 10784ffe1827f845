//! The outbox: reads mails, claims them for a sender, and records their ends. `new_mail.rs` writes them.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Store;
use super::item::{Key, mails_pk, n, s, unbuildable};
use super::transaction::{Item, Part, StoreError, Transaction, TransactionResult, refused_update};
use super::version::{ItemKind, KNOWN, KNOWN_NAME, Stored, known, read};
use crate::model::session::seconds_after;
use crate::model::{
    Actor, EventKind, Mail, MailId, MailKind, MailState, NewEvent, SentFlag, UserId,
};

/// How long the sweep waits before it looks at a mail for the second time. It waits twice as long each time after that.
const LOOKED_AT_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The right to send a mail, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which mail.
    pub mail: MailId,
    /// How often it was claimed, this time too. A mail that was only postponed does not count.
    pub tries: u32,
    /// Names the claim, so that its holder knows it again, and changes the mail of no other holder.
    nonce: String,
}

/// The result of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The mail is the caller's to send, until the lease runs out.
    Yes(Lease, Box<Mail>),
    /// The same, but this release cannot read it.
    Unreadable(Lease, StoreError),
    /// Another caller is sending it.
    Busy,
    /// It was sent, or will never be.
    Finished,
    /// There is no such mail.
    Missing,
}

/// The end of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SES accepted it, and gave it this message id.
    Sent(String),
    /// It had become stale, or its address is rate limited or accepts no mail.
    Dropped,
    /// SES will never take it.
    Refused,
    /// Every try to send it failed.
    Failed,
}

/// A change of the user item after the end of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailNews {
    /// A mail of that flag was sent to the user.
    Sent(SentFlag),
    /// A mail of that kind could not be sent to the user.
    NotSent(MailKind),
    /// Mail is sent to the user again.
    SentAgain,
}

/// The state of a mail. It can be read even if the rest of the item cannot.
#[derive(Deserialize)]
struct Progress {
    state: MailState,
}

impl Stored for Progress {
    const KIND: ItemKind = ItemKind::Mail;
}

impl Store {
    /// The mail of that id.
    pub async fn mail(&self, id: MailId) -> Result<Option<Mail>, StoreError> {
        self.get(Key::mail(id)).await?.map(read).transpose()
    }

    /// The newest mails to a user, newest first, at most so many. Reads an index, which follows the table by some
    /// milliseconds.
    pub async fn mails(&self, user: UserId, count: i32) -> Result<Vec<Mail>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("list")
            .key_condition_expression("list_pk = :mails")
            .expression_attribute_values(":mails", s(mails_pk(user)))
            .scan_index_forward(false)
            .limit(count)
            .send()
            .await?;
        let items = answer.items.unwrap_or_default().into_iter();
        let ids = items.filter_map(|item| {
            let AttributeValue::S(pk) = item.get("pk")? else { return None };
            pk.strip_prefix("MAIL#")?.parse::<MailId>().ok()
        });
        let keys: Vec<Key> = ids.map(Key::mail).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.batch_get(keys).await?.into_iter();
        let mut mails: Vec<Mail> = items.map(read).collect::<Result<_, _>>()?;
        mails.sort_by_key(|mail| std::cmp::Reverse(mail.id));
        Ok(mails)
    }

    /// Claims the mail, so that no other caller sends it before the lease ends. If the answer to a claim is lost, the
    /// repeated call of the SDK recognises its own claim.
    pub async fn claim_mail(
        &self,
        id: MailId,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let nonce = URL_SAFE_NO_PAD.encode(self.random.bytes::<12>());
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(id).attributes()))
            .update_expression(
                "SET #state = :sending, lease_until = :until, claimed_by = :nonce, \
                 tries = if_not_exists(tries, :zero) + :one",
            )
            .condition_expression(format!(
                "#state IN (:due, :sending) AND lease_until <= :now AND {KNOWN}"
            ))
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":known", known(ItemKind::Mail))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":due", state(MailState::Due))
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":until", n(seconds_after(now, lease)))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":nonce", s(&nonce))
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let found = match answer {
            Ok(claimed) => {
                return Ok(claimed_by(nonce, id, claimed.attributes.unwrap_or_default()));
            }
            Err(error) => refused_update(error)?,
        };
        let Some(item) = found else { return Ok(Claimed::Missing) };
        if item.get("claimed_by") == Some(&s(&nonce)) {
            return Ok(claimed_by(nonce, id, item));
        }
        Ok(match read::<Progress>(item)?.state {
            MailState::Due | MailState::Sending => Claimed::Busy,
            MailState::Sent | MailState::Dropped | MailState::Refused | MailState::Failed => {
                Claimed::Finished
            }
        })
    }

    /// Gives a claimed mail back, so that the next attempt need not wait for the lease.
    pub async fn release_mail(&self, claim: &Lease) -> Result<(), StoreError> {
        self.change_claimed(claim, "SET lease_until = :over", [(":over", n(0))]).await
    }

    /// Puts a claimed mail off until that epoch second: it cannot be claimed before, and the sweep makes it
    /// due then. That was no try to send it.
    pub async fn postpone_mail(&self, claim: &Lease, until: i64) -> Result<(), StoreError> {
        let change = "SET lease_until = :until, sweep_at = :until, tries = tries - :one \
                      REMOVE sweep_wait";
        self.change_claimed(claim, change, [(":until", n(until)), (":one", n(1))]).await
    }

    /// Changes nothing when the lease ran out, and another caller has the mail.
    async fn change_claimed(
        &self,
        claim: &Lease,
        change: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<(), StoreError> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::mail(claim.mail).attributes()))
            .update_expression(change)
            .condition_expression("#state = :sending AND claimed_by = :nonce")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", state(MailState::Sending))
            .expression_attribute_values(":nonce", s(&claim.nonce));
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => refused_update(error).map(drop),
        }
    }

    /// Records the end of a claimed mail. The item stays for a while, so that a repeated delivery finds it, but leaves
    /// the sweep index. The same transaction writes the news to the item of its user, unless the user is deleted.
    pub async fn finish_mail(
        &self,
        claim: &Lease,
        ending: &Ending,
        (user, news): (Option<UserId>, &[MailNews]),
    ) -> Result<(), StoreError> {
        let finish = self.finish(claim, ending)?;
        if let (Some(user), false) = (user, news.is_empty()) {
            let item = TransactWriteItem::builder().update(finish.clone()).build();
            let mut transaction = Transaction::default()
                .with(Part::Mail, item)
                .with(Part::User, self.note_on_user(user, news)?);
            let unsent = news.iter().find_map(|news| match news {
                MailNews::NotSent(kind) => Some(kind.name()),
                MailNews::Sent(_) | MailNews::SentAgain => None,
            });
            if let Some(kind) = unsent {
                let event = NewEvent::of(EventKind::MailFailed, user).by(Actor::System);
                self.record(&mut transaction, event.about(kind))?;
            }
            if let TransactionResult::Done = self.transact(transaction).await? {
                return Ok(());
            }
        }
        self.client
            .update_item()
            .table_name(finish.table_name)
            .set_key(Some(finish.key))
            .update_expression(finish.update_expression)
            .set_condition_expression(finish.condition_expression)
            .set_expression_attribute_names(finish.expression_attribute_names)
            .set_expression_attribute_values(finish.expression_attribute_values)
            .send()
            .await
            .map(drop)
            .or_else(|error| refused_update(error).map(drop))
    }

    /// Records a sent mail even if another caller has claimed it since. Any other ending needs the claim.
    fn finish(&self, claim: &Lease, ending: &Ending) -> Result<Update, StoreError> {
        let (ending, message_id) = match ending {
            Ending::Sent(message_id) => (MailState::Sent, Some(message_id)),
            Ending::Dropped => (MailState::Dropped, None),
            Ending::Refused => (MailState::Refused, None),
            Ending::Failed => (MailState::Failed, None),
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::mail(claim.mail).attributes()))
            .update_expression(
                "SET #state = :ending, message_id = :message_id REMOVE sweep_pk, sweep_at",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":ending", state(ending))
            .expression_attribute_values(
                ":message_id",
                message_id.map_or(AttributeValue::Null(true), s),
            );
        let update = match message_id {
            Some(_) => update.condition_expression("attribute_exists(pk)"),
            None => update
                .condition_expression("claimed_by = :nonce")
                .expression_attribute_values(":nonce", s(&claim.nonce)),
        };
        update.build().map_err(unbuildable)
    }

    fn note_on_user(
        &self,
        user: UserId,
        news: &[MailNews],
    ) -> Result<TransactWriteItem, StoreError> {
        let (mut set, mut remove, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for news in news {
            match news {
                MailNews::Sent(flag) => {
                    set.push(format!("{} = :true", attribute(*flag)));
                    values.push((":true", AttributeValue::Bool(true)));
                }
                MailNews::NotSent(kind) => {
                    set.push("mail_not_sent = :kind".to_owned());
                    values.push((":kind", s(kind.name())));
                }
                MailNews::SentAgain => remove.push("mail_not_sent"),
            }
        }
        let clause = |verb: &str, parts: String| match parts.as_str() {
            "" => String::new(),
            parts => format!("{verb} {parts} "),
        };
        let update = clause("SET", set.join(", ")) + &clause("REMOVE", remove.join(", "));
        self.update_if(Key::user(user), update.trim_end(), "attribute_exists(pk)", values)
    }

    /// Puts a mail that got stuck back into the stream. `false` if it is not stuck (any more): it is finished, or a
    /// caller holds its lease. The wait until the next look doubles each time, so that a mail that cannot be sent costs
    /// little.
    pub(super) async fn requeue_mail(&self, key: Key, now: Timestamp) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(
                "SET #state = :due, lease_until = :over, \
                 sweep_at = if_not_exists(sweep_wait, :wait) + :now, \
                 sweep_wait = if_not_exists(sweep_wait, :wait) + if_not_exists(sweep_wait, :wait)",
            )
            .condition_expression(
                "#state IN (:due, :sending) AND lease_until <= :now AND sweep_at <= :now",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":due", state(MailState::Due))
            .expression_attribute_values(":sending", state(MailState::Sending))
            // Not the present moment: the clock of the sender may be behind this one.
            .expression_attribute_values(":over", n(0))
            .expression_attribute_values(":wait", n(LOOKED_AT_AGAIN_AFTER.as_secs()))
            .expression_attribute_values(":now", n(now.as_second()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused_update(error).map(|_| false),
        }
    }
}

fn claimed_by(nonce: String, mail: MailId, item: Item) -> Claimed {
    let tries = item.get("tries").and_then(|tries| tries.as_n().ok()?.parse().ok());
    let claim = Lease { mail, tries: tries.unwrap_or_default(), nonce };
    match read::<Mail>(item) {
        Ok(mail) => Claimed::Yes(claim, Box::new(mail)),
        Err(error) => Claimed::Unreadable(claim, error),
    }
}

/// The attribute of a user item.
fn attribute(flag: SentFlag) -> &'static str {
    match flag {
        SentFlag::Registration => "registration_sent",
        SentFlag::Reset => "reset_sent",
    }
}

fn state(state: MailState) -> AttributeValue {
    s(match state {
        MailState::Due => "due",
        MailState::Sending => "sending",
        MailState::Sent => "sent",
        MailState::Dropped => "dropped",
        MailState::Refused => "refused",
        MailState::Failed => "failed",
    })
}
