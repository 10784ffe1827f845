//! From the mail item to SES: at least once, and as a rule once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::render::{Secrets, render};
use super::{SendError, Sender, Templates};
use crate::clock::Clock;
use crate::crypto::Proofs;
use crate::crypto::otp::Digits;
use crate::error::Unavailable;
use crate::model::Purpose;
use crate::model::otp::{LIFETIME_SECONDS, MAX_TRIES};
use crate::model::username::ReservedNames;
use crate::model::{
    Mail, MailId, MailKind, Notice, OneTimeCode, PendingSignUp, Slot, User, Username,
};
use crate::policy::MailSettings;
use crate::random::Random;
use crate::store::{Claimed, Ending, Lease, MailNews, QuotaScope, Store, StoreError, Subject};
use crate::telemetry::metrics::{MAIL_DELAY, MAILS};
use crate::telemetry::{Outcome, note, operation};

/// How long a lease of a mail lasts: longer than the function may run.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// After this many failures of a mail, the stream still delivers it again at once, which delays the mails behind it.
/// After more failures, the clean-up delivers it, with growing waits.
const STREAM_RETRIES: u32 = 2;
/// How often a mail is tried in all: three times without a wait, and nine times by the clean-up, the last time after 42
/// hours. That is long enough for DNS to learn of a new sender, and for people to hear an alarm.
const MOST_TRIES: u32 = 12;
/// The alarm `MailsNotSent` of the template counts lines with it.
const NOT_SENT: &str = "mail_not_sent";

/// Sends the mails that operations decided on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(super) store: Store,
    proofs: Proofs,
    sender: Sender,
    templates: Templates,
    site: MailSettings,
    pub(super) clock: Clock,
    random: Random,
}

/// The result of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// SES has it.
    Sent,
    /// It was of no use any more: its link has expired, or the account was verified, changed or deleted.
    Dropped,
    /// Its address has had as many mails as it may: see [`Limits`](crate::model::Limits).
    Throttled,
    /// The same, but it goes out later.
    Postponed,
    /// Its address takes no mail: see [`EmailStatus`](crate::model::EmailStatus).
    Undeliverable,
    /// SES will never take it.
    Refused,
    /// It could not be sent, and is tried again later.
    Stuck,
    /// It could not be sent, however often it was tried.
    Failed,
    /// Another call is sending it, or has sent it, or the mail does not exist.
    NotOurs,
}

/// A mail that could not be dealt with.
enum Failed {
    /// The mail was not sent, as far as Latchkey knows.
    Before(Unavailable),
    /// The result could not be stored.
    AtTheEnd(Unavailable),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Before(error.into())
    }
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
            Self::Stuck => "stuck",
            Self::Failed => "failed",
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
        site: MailSettings,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { store, proofs, sender, templates, site, clock, random }
    }

    /// Claims the mail, sends it, and records that it was sent. A second call for the same mail sends nothing. After
    /// a crash between the two last steps, or a lost answer of SES, it sends the same link (and, within ten minutes,
    /// the same code) once more.
    ///
    /// # Errors
    /// When DynamoDB does not answer, and for the first `STREAM_RETRIES` failures of a mail: the mail stays due, and the
    /// stream delivers it again at once. After that a failure is [`Delivery::Stuck`], so that it delays no other
    /// mail.
    pub async fn deliver(&self, id: MailId) -> Result<Delivery, Unavailable> {
        operation!(self.clock, "deliver", self.claim_and_deliver(id))
    }

    async fn claim_and_deliver(&self, id: MailId) -> Result<Delivery, Unavailable> {
        note("mail", id);
        let now = self.clock.now();
        let (claim, mail) = match self.store.claim_mail(id, LEASE, now).await? {
            Claimed::Yes(claim, mail) => (claim, mail),
            Claimed::Unreadable(claim, error) => {
                return self.give_back(&claim, None, error.into()).await;
            }
            Claimed::Busy | Claimed::Finished | Claimed::Missing => return Ok(Delivery::NotOurs),
        };
        note("kind", mail.kind.name());
        note("user", mail.user_id);
        note("try", claim.tries);
        if let Some(request) = &mail.request_id {
            note("request_id", request);
        }
        let mut mail = mail;
        let delivered = match self.decide_and_send(&claim, &mut mail, now).await {
            Ok(delivery) => Ok(delivery),
            Err(Failed::Before(error)) => self.give_back(&claim, Some(&mail), error).await,
            // If it was sent, it is not to be sent again at once: the lease runs out by itself.
            Err(Failed::AtTheEnd(error)) => Err(error),
        };
        self.measure(&mail, delivered.as_ref().map_or("unavailable", |delivery| delivery.name()));
        delivered
    }

    /// Gives a mail back that could not be sent, or after the last of its tries, gives it up. A try is counted when it
    /// begins, so a try that crashes counts as well.
    async fn give_back(
        &self,
        claim: &Lease,
        mail: Option<&Mail>,
        error: Unavailable,
    ) -> Result<Delivery, Unavailable> {
        if claim.tries >= MOST_TRIES {
            tracing::error!(event = NOT_SENT, %error, "a mail is given up");
            let news: Vec<_> = mail.map(|mail| MailNews::NotSent(mail.kind)).into_iter().collect();
            let user = mail.map(|mail| mail.user_id);
            self.store.finish_mail(claim, &Ending::Failed, (user, &news)).await?;
            return Ok(Delivery::Failed);
        }
        // If this fails too, the lease runs out by itself.
        if let Err(error) = self.store.release_mail(claim).await {
            tracing::warn!(%error, "the lease could not be given back");
        }
        if claim.tries <= STREAM_RETRIES {
            return Err(error);
        }
        tracing::error!(event = NOT_SENT, %error, "a mail is stuck, and is tried again later");
        Ok(Delivery::Stuck)
    }

    fn measure(&self, mail: &Mail, outcome: &'static str) {
        let (kind, now) = (("Kind", mail.kind.name()), self.clock.now());
        MAILS.add(1, &[kind, ("Outcome", outcome)], now);
        if outcome == Delivery::Sent.name() {
            let delay = now.duration_since(mail.created_at).as_millis();
            MAIL_DELAY.add(i64::try_from(delay).unwrap_or(i64::MAX), &[kind], now);
        }
    }

    async fn decide_and_send(
        &self,
        claim: &Lease,
        mail: &mut Mail,
        now: Timestamp,
    ) -> Result<Delivery, Failed> {
        if claim.tries > MOST_TRIES {
            return Err(Failed::Before("none of the tries to send it came to an end".into()));
        }
        let user = self.addressee(mail).await?;
        let Some(user) = user.filter(|user| is_wanted(mail, user, now)) else {
            return self.drop_mail(claim, Delivery::Dropped).await;
        };
        if !user.email_status(&mail.to_key).is_ok() {
            return self.drop_mail(claim, Delivery::Undeliverable).await;
        }
        match self.take_slot(mail, &user, now).await? {
            Slot::Now => {}
            Slot::Repeated | Slot::Full => return self.drop_mail(claim, Delivery::Throttled).await,
            Slot::At(second) => {
                self.store.postpone_mail(claim, second).await?;
                return Ok(Delivery::Postponed);
            }
        }
        let ending = self.send(mail, &user, now).await.map_err(Failed::Before)?;
        let (delivery, news) = match &ending {
            Ending::Sent(_) => (Delivery::Sent, news_of_sent(mail, &user)),
            Ending::Refused => (Delivery::Refused, vec![MailNews::NotSent(mail.kind)]),
            Ending::Dropped | Ending::Failed => (Delivery::Dropped, Vec::new()),
        };
        let finished = self.store.finish_mail(claim, &ending, (Some(user.id), &news)).await;
        finished.map_err(|error| Failed::AtTheEnd(error.into()))?;
        Ok(delivery)
    }

    /// The user whom the mail goes to, if any. The mail of a pending sign-up becomes the owner's, if the address has
    /// an account. The sign-up did not check that, so that it takes the same time for each address.
    async fn addressee(&self, mail: &mut Mail) -> Result<Option<User>, StoreError> {
        if let Some(user) = self.store.user(mail.user_id).await?.or_else(|| deleted_user(mail)) {
            return Ok(Some(user));
        }
        if mail.kind != MailKind::Link(Purpose::Activation) {
            return Ok(None);
        }
        let address = mail.email();
        let pending = self.store.pending(&address.digest(), mail.user_id).await?;
        let Some(PendingSignUp { account, .. }) = pending else { return Ok(None) };
        let Some(owner) = self.store.find_user(&Subject::Email(address.clone())).await? else {
            return Ok(Some(account));
        };
        // The account of this sign-up needs no mail: it was created in the meantime.
        let owner = if owner == account.id { None } else { self.store.user(owner).await? };
        let owner = owner.filter(|owner| owner.is_active);
        let found = owner.and_then(|user| user.own_email(address.key()).map(|own| (user, own)));
        let Some((owner, address)) = found else { return Ok(None) };
        *mail = mail.to_owner(&owner, &address);
        note("kind", mail.kind.name());
        note("user", owner.id);
        Ok(Some(owner))
    }

    async fn drop_mail(&self, claim: &Lease, delivery: Delivery) -> Result<Delivery, Failed> {
        let finished = self.store.finish_mail(claim, &Ending::Dropped, (None, &[])).await;
        finished.map_err(|error| Failed::AtTheEnd(error.into()))?;
        Ok(delivery)
    }

    /// Requested links and notices have quotas of their own, so that neither uses slots of the other. Mails to
    /// addresses that do not belong to the user yet count against the user's quota first, and only if that has a
    /// slot, against the quota of the address: otherwise a user could mail many strangers, or use up the slots of
    /// one. Strangers cause sign-ups: so mails to accounts that are not verified, and notices of sign-ups, have quotas
    /// of their own.
    async fn take_slot(
        &self,
        mail: &Mail,
        user: &User,
        now: Timestamp,
    ) -> Result<Slot, StoreError> {
        if !self.site.is_throttled {
            return Ok(Slot::Now);
        }
        // A warning to an owner goes to an address that may have left the account. It uses no slot of other links,
        // and they use none of its slots.
        if let MailKind::Link(Purpose::EmailChangeCancel | Purpose::EmailRestore) = mail.kind {
            return self.store.take_slot(mail, &[QuotaScope::Kind(mail.kind)], now).await;
        }
        let is_strangers = matches!(mail.kind, MailKind::Link(_)) && !user.has_email(&mail.to_key);
        if is_strangers {
            let slot = self.store.take_slot(mail, &[QuotaScope::Requester], now).await?;
            if slot != Slot::Now {
                return Ok(slot);
            }
        }
        let counted: &[QuotaScope] = match mail.kind {
            MailKind::Link(_) if is_strangers => &[QuotaScope::Links, QuotaScope::Strangers],
            MailKind::Link(_) if !user.is_verified => &[QuotaScope::Unproven],
            MailKind::Link(_) => &[QuotaScope::Links],
            MailKind::Notice(Notice::AlreadyRegistered) => &[QuotaScope::SignUps],
            MailKind::Notice(_) => &[QuotaScope::Kind(mail.kind)],
        };
        self.store.take_slot(mail, counted, now).await
    }

    async fn send(&self, mail: &Mail, user: &User, now: Timestamp) -> Result<Ending, Unavailable> {
        let secrets = match mail.kind {
            MailKind::Link(purpose) => Some(self.secrets(mail, purpose, now).await?),
            MailKind::Notice(_) => None,
        };
        let rendered = render(&self.templates, mail, user, secrets.as_ref(), &self.site)?;
        match self.sender.send(&mail.to, &rendered, mail.request_id.as_deref()).await {
            Ok(message_id) => Ok(Ending::Sent(message_id)),
            Err(SendError::Refused(reason)) => {
                tracing::error!(event = NOT_SENT, reason, "SES refuses a mail");
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
            | Purpose::EmailChange
            | Purpose::EmailChangeCancel
            | Purpose::EmailRestore => None,
            Purpose::LogIn => Some(self.proofs.code(purpose, mail.user_id, &mail.binding)),
        };
        Ok(Secrets { link_token: self.proofs.link(mail, purpose), code })
    }

    /// The live code of the address. Makes a new one only if there is none. `None` if the live code was tried too
    /// often.
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

/// The deleted user of a mail that is sent all the same, with the data that the mail has.
fn deleted_user(mail: &Mail) -> Option<User> {
    let username = mail.username.clone()?;
    let made = Username::made_from(&mail.email(), &ReservedNames::default());
    let user = User::new(mail.user_id, &made, &mail.email(), None, mail.created_at);
    Some(User { username, ..user })
}

/// The changes of the user item for a mail that was sent.
fn news_of_sent(mail: &Mail, user: &User) -> Vec<MailNews> {
    let flag = mail.kind.flag().filter(|flag| !user.has_flag(*flag)).map(MailNews::Sent);
    let again = user.mail_not_sent.is_some().then_some(MailNews::SentAgain);
    flag.into_iter().chain(again).collect()
}

/// Whether the mail would still be of use to that user.
fn is_wanted(mail: &Mail, user: &User, now: Timestamp) -> bool {
    match mail.kind {
        // A banned user, too, gets this mail.
        MailKind::Link(Purpose::EmailRestore) => {
            user.former_emails.may_return(&mail.to_key, now).is_some()
        }
        MailKind::Link(purpose) => {
            let is_good = user.is_active && now.as_second() < mail.stale_at;
            is_good && is_needed(purpose, mail, user, now)
        }
        MailKind::Notice(_) => true,
    }
}

fn is_needed(purpose: Purpose, mail: &Mail, user: &User, now: Timestamp) -> bool {
    let is_bound = || user.binding(purpose) == mail.binding;
    match purpose {
        Purpose::Activation => !user.is_verified && user.email_key == mail.to_key,
        Purpose::PasswordReset => user.has_email(&mail.to_key) && is_bound(),
        Purpose::PasswordSet => user.has_email(&mail.to_key) && user.password.is_none(),
        Purpose::SecondaryEmail => !user.has_email(&mail.to_key) && is_bound(),
        Purpose::EmailChange => is_bound(),
        Purpose::EmailChangeCancel => user.email_key == mail.to_key && is_bound(),
        Purpose::EmailRestore => user.former_emails.may_return(&mail.to_key, now).is_some(),
        Purpose::LogIn => user.has_email(&mail.to_key),
    }
}
