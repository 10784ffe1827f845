//! From the mail item to SES, once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::render::{Secrets, render};
use super::{SendError, Sender, Templates};
use crate::clock::Clock;
use crate::crypto::Proofs;
use crate::crypto::code::Digits;
use crate::error::Unavailable;
use crate::model::code::{LIFETIME_SECONDS, MAX_TRIES, Purpose};
use crate::model::{Booked, Mail, MailId, MailKind, Notice, OneTimeCode, User};
use crate::policy::Site;
use crate::random::Random;
use crate::store::{Claimed, Counted, Ending, Store};
use crate::telemetry::metrics::{MAIL_DELAY, MAILS};
use crate::telemetry::{Outcome, note, operation};

/// How long a mail is one sender's: longer than the function may run.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Sends the mails that operations decided on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(super) store: Store,
    proofs: Proofs,
    sender: Sender,
    templates: Templates,
    site: Site,
    pub(super) clock: Clock,
    random: Random,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// SES has it.
    Sent,
    /// It was of no use any more: its link is over, the account verified, changed or gone.
    Dropped,
    /// Its address has had as many mails as it may: see [`Limits`](crate::model::Limits).
    Throttled,
    /// The same, but it goes out later.
    Postponed,
    /// Its address takes no mail: see [`EmailStatus`](crate::model::EmailStatus).
    Undeliverable,
    /// SES will never take it.
    Refused,
    /// Somebody else is at it, or has been, or there is no such mail.
    NotOurs,
}

impl Delivery {
    /// Its name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Throttled => "throttled",
            Self::Postponed => "postponed",
            Self::Undeliverable => "undeliverable",
            Self::Refused => "refused",
            Self::NotOurs => "not_ours",
        }
    }
}

impl Outcome for Result<Delivery, Unavailable> {
    fn outcome(&self) -> &'static str {
        self.as_ref().map_or("unavailable", |delivery| delivery.name())
    }
}

impl Outbox {
    /// Sends what `store` holds, through `sender`.
    pub fn new(
        store: Store,
        proofs: Proofs,
        sender: Sender,
        templates: Templates,
        site: Site,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { store, proofs, sender, templates, site, clock, random }
    }

    /// Claims the mail, sends it, marks it. Called again for the same mail, it sends nothing; after a
    /// crash between sending and marking, it sends the same link (and, within its ten minutes, the
    /// same code) once more.
    ///
    /// # Errors
    /// When DynamoDB or SES cannot be had: the mail stays due, for the next attempt.
    pub async fn deliver(&self, id: MailId) -> Result<Delivery, Unavailable> {
        operation!(self.clock, "deliver", self.claim_and_deliver(id))
    }

    async fn claim_and_deliver(&self, id: MailId) -> Result<Delivery, Unavailable> {
        note("mail", id);
        let now = self.clock.now();
        let mail = match self.store.claim_mail(id, LEASE, now).await? {
            Claimed::Yes(mail) => mail,
            Claimed::Busy | Claimed::Finished | Claimed::Missing => return Ok(Delivery::NotOurs),
        };
        note("kind", mail.kind.name());
        note("user", mail.user_id);
        if let Some(request) = &mail.request_id {
            note("request_id", request);
        }
        let judged = self.judge_and_send(&mail, now).await;
        let judged_as = judged.as_ref().map_or("unavailable", |(_, delivery)| delivery.name());
        self.measure(&mail, judged_as);
        match judged {
            Ok((ending, delivery)) => {
                if let Some(ending) = ending {
                    self.store.finish_mail(&mail, &ending).await?;
                }
                Ok(delivery)
            }
            Err(error) => {
                // If this fails too, the lease runs out by itself.
                if let Err(error) = self.store.release_mail(id).await {
                    tracing::warn!(%error, "the lease could not be given back");
                }
                Err(error)
            }
        }
    }

    fn measure(&self, mail: &Mail, outcome: &'static str) {
        let (kind, now) = (("Kind", mail.kind.name()), self.clock.now());
        MAILS.add(1, &[kind, ("Outcome", outcome)], now);
        if outcome == Delivery::Sent.name() {
            let delay = now.duration_since(mail.created_at).as_millis();
            MAIL_DELAY.add(i64::try_from(delay).unwrap_or(i64::MAX), &[kind], now);
        }
    }

    /// How it ends with the mail, if it does: that is still to be written down.
    async fn judge_and_send(
        &self,
        mail: &Mail,
        now: Timestamp,
    ) -> Result<(Option<Ending>, Delivery), Unavailable> {
        let dropped = |delivery| Ok((Some(Ending::Dropped), delivery));
        let user = self.store.user(mail.user_id).await?;
        let Some(user) = user.filter(|user| is_wanted(mail, user, now)) else {
            return dropped(Delivery::Dropped);
        };
        if !user.email_status(&mail.to_key).is_ok() {
            return dropped(Delivery::Undeliverable);
        }
        match self.book(mail, &user, now).await? {
            Booked::Now => {}
            Booked::Full => return dropped(Delivery::Throttled),
            Booked::At(second) => {
                self.store.postpone_mail(mail.id, second).await?;
                return Ok((None, Delivery::Postponed));
            }
        }
        let ending = self.send(mail, &user, now).await?;
        let delivery = match &ending {
            Ending::Sent(_) | Ending::FirstSent(_) => Delivery::Sent,
            Ending::Dropped => Delivery::Dropped,
            Ending::Refused => Delivery::Refused,
        };
        Ok((Some(ending), delivery))
    }

    /// Of mails to addresses that are not their user's yet, each user has a number of their own, and so has
    /// each address: otherwise one could mail many strangers, or take all of somebody's mails. Nor do
    /// notices of sign-ups take them.
    async fn book(&self, mail: &Mail, user: &User, now: Timestamp) -> Result<Booked, Unavailable> {
        if !self.site.is_throttled {
            return Ok(Booked::Now);
        }
        let is_strangers = !user.has_email(&mail.to_key);
        let counted: &[Counted] = match mail.kind {
            MailKind::Link(_) if is_strangers => &[Counted::Strangers, Counted::Asker],
            MailKind::Notice(Notice::AlreadyRegistered) => &[Counted::SignUps],
            MailKind::Link(_) | MailKind::Notice(_) => &[],
        };
        for counted in counted {
            let booked = self.store.book_mail(mail, *counted, now).await?;
            if booked != Booked::Now {
                return Ok(booked);
            }
        }
        Ok(self.store.book_mail(mail, Counted::Address, now).await?)
    }

    async fn send(&self, mail: &Mail, user: &User, now: Timestamp) -> Result<Ending, Unavailable> {
        let secrets = match mail.kind {
            MailKind::Link(purpose) => Some(self.secrets(mail, purpose, now).await?),
            MailKind::Notice(_) => None,
        };
        let rendered = render(&self.templates, mail, user, secrets.as_ref(), &self.site)?;
        match self.sender.send(&mail.to, &rendered, mail.request_id.as_deref()).await {
            Ok(message_id) if is_first(mail, user) => Ok(Ending::FirstSent(message_id)),
            Ok(message_id) => Ok(Ending::Sent(message_id)),
            Err(SendError::Refused(reason)) => {
                tracing::error!(reason, "SES refuses a mail");
                Ok(Ending::Refused)
            }
            Err(error @ SendError::Later(_)) => Err(error.into()),
        }
    }

    async fn secrets(
        &self,
        mail: &Mail,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Secrets, Unavailable> {
        let code = match purpose {
            Purpose::Activation => self.live_code(mail, purpose, now).await?,
            Purpose::PasswordReset
            | Purpose::PasswordSet
            | Purpose::SecondaryEmail
            | Purpose::EmailChange => None,
        };
        Ok(Secrets { link_token: self.proofs.link(mail, purpose), code })
    }

    /// The code of the address that is alive: a new one only if there is none, and none if the one that
    /// there is was tried too often.
    async fn live_code(
        &self,
        mail: &Mail,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<Digits>, Unavailable> {
        let fresh = OneTimeCode {
            user_id: mail.user_id,
            nonce: URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()),
            tries: 0,
            expires_at: now.as_second() + LIFETIME_SECONDS,
        };
        let code = self.store.live_code(&mail.to_key, purpose, fresh, now).await?;
        let is_usable = code.tries < MAX_TRIES;
        Ok(is_usable.then(|| self.proofs.code(purpose, mail.user_id, &code.nonce)))
    }
}

/// Whether the user item is to say that a mail of that kind was sent, and does not yet.
fn is_first(mail: &Mail, user: &User) -> bool {
    match mail.kind {
        MailKind::Link(Purpose::Activation) => !user.registration_sent,
        MailKind::Link(Purpose::PasswordReset) => !user.reset_sent,
        MailKind::Link(Purpose::PasswordSet | Purpose::SecondaryEmail | Purpose::EmailChange)
        | MailKind::Notice(_) => false,
    }
}

/// Whether the mail would still be of use to that user.
fn is_wanted(mail: &Mail, user: &User, now: Timestamp) -> bool {
    match mail.kind {
        MailKind::Link(purpose) => {
            let is_good = user.is_active && now.as_second() < mail.stale_at;
            is_good && is_needed(purpose, mail, user)
        }
        // A banned user, too, is told what became of the account.
        MailKind::Notice(_) => true,
    }
}

fn is_needed(purpose: Purpose, mail: &Mail, user: &User) -> bool {
    let is_bound = || user.mark(purpose) == mail.mark;
    match purpose {
        Purpose::Activation => !user.is_verified && user.email_key == mail.to_key,
        Purpose::PasswordReset => user.has_email(&mail.to_key) && is_bound(),
        Purpose::PasswordSet => user.has_email(&mail.to_key) && user.password.is_none(),
        Purpose::SecondaryEmail => !user.has_email(&mail.to_key) && is_bound(),
        Purpose::EmailChange => is_bound(),
    }
}
