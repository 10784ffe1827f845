//! The operations: one file or folder for each flow.

mod attempt;
pub mod authenticate;
pub mod change_email;
pub mod change_password;
pub mod cleanup;
pub mod confirm;
pub mod confirm_address;
pub mod enrolment;
mod erase;
pub mod export;
mod factor_records;
pub mod factors;
mod guessing;
pub mod hotdog;
pub mod import;
mod limits;
pub mod list_users;
pub mod log_in;
pub mod log_in_by_mail;
pub mod log_out;
mod new_password;
pub mod own_account;
pub mod page_session;
mod passkey_ceremony;
pub mod passkey_log_in;
pub mod passkeys;
pub mod personal_data;
pub mod picture;
pub mod refresh;
pub mod register;
mod requests;
mod required_factor;
pub mod restore_email;
mod revocations;
pub mod second_factor;
mod second_factor_proof;
pub mod secondary_email;
pub mod send_again;
pub mod send_code;
pub mod sessions;
pub mod staff;
pub mod trusted_devices;
pub mod update_user;
pub mod verify_account;
pub mod verify_token;
pub mod view_link;

use std::sync::Arc;

use crate::clock::Clock;
use crate::crypto::{AccessClaims, Hasher, Proofs, Tokens};
use crate::error::AuthError;
use crate::model::Purpose;
use crate::model::session::seconds_after;
use crate::model::{
    Client, Email, Factor, Mail, Notice, PasswordHash, Pending, PlainPassword, Session, User,
    UserId,
};
use crate::pictures::Pictures;
use crate::policy::Policy;
use crate::random::Random;
use crate::store::{Store, Subject};
use crate::telemetry::{note, request_id};

pub use authenticate::Caller;
pub use change_password::{NewPassword, ResetLink};
pub use cleanup::{Cleanup, Counts};
pub use enrolment::Enrolment;
pub use export::Export;
pub use import::{Import, Judged, Prepared, Rejected, Undone, UniqueKey};
pub use list_users::{Page, Row, UserFilter, UserRef, Window};
pub use log_in::{Credentials, LoggedIn};
pub use log_in_by_mail::{LogInView, MailProof};
pub use own_account::Changes;
pub use page_session::{Area, PageSession, SessionTokens};
pub use personal_data::PersonalData;
pub use register::{FirstPassword, Registered, Registration};
pub use staff::{Admin, SentMails};
pub use update_user::{PictureChange, UserUpdate};
pub use view_link::LinkView;

/// User accounts: every operation that a client can request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    store: Store,
    pictures: Pictures,
    tokens: Arc<Tokens>,
    proofs: Arc<Proofs>,
    hasher: Hasher,
    policy: Arc<Policy>,
    clock: Clock,
    random: Random,
    revocations: Arc<revocations::CachedList>,
}

/// The tokens of a client that has logged in.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// Valid for a short time. A client sends it with each request.
    pub access: String,
    /// A client exchanges it for the next pair, once.
    pub refresh: String,
    /// The claims of the access token.
    pub claims: AccessClaims,
    /// When the refresh token expires, in epoch seconds.
    pub refresh_ends_at: i64,
}

impl Accounts {
    /// Accounts that are kept in `store`, with their pictures.
    pub fn new(
        store: Store,
        pictures: Pictures,
        tokens: Tokens,
        proofs: Proofs,
        policy: Policy,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            store,
            pictures,
            tokens: Arc::new(tokens),
            proofs: Arc::new(proofs),
            hasher: Hasher::default(),
            policy: Arc::new(policy),
            clock,
            random,
            revocations: Arc::default(),
        }
    }

    /// The public keys that access tokens are verified with, as a JSON Web Key Set.
    pub fn public_keys(&self) -> serde_json::Value {
        self.tokens.public_keys()
    }

    /// Whether a log-in by mail with an address without an account signs up.
    pub fn signs_up_by_mail(&self) -> bool {
        self.policy.sign_up_by_mail
    }

    /// The present moment, as all operations see it.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// How many passwords this process has hashed or verified: its most expensive work.
    pub fn password_hashes(&self) -> u64 {
        self.hasher.count()
    }

    async fn hash(&self, password: PlainPassword) -> Result<PasswordHash, AuthError> {
        let salt = self.random.bytes();
        self.hasher.hash(password, salt).await.map_err(AuthError::Unavailable)
    }

    fn new_link(&self, purpose: Purpose, user: &User, email: &Email) -> Mail {
        let (now, lifetime) = (self.clock.now(), self.policy.link_lifetime(purpose));
        let stale_at = seconds_after(now, lifetime).min(user.ends_at.unwrap_or(i64::MAX));
        let mail = Mail::link(self.random.id(now).into(), purpose, (user, email), now, stale_at);
        mail.of_request(request_id())
    }

    fn new_notice(&self, notice: Notice, user: &User, email: &Email) -> Mail {
        let now = self.clock.now();
        let mail = Mail::notice(self.random.id(now).into(), notice, (user, email), now);
        mail.of_request(request_id())
    }

    /// Records that the caller asks for another address, in place of an earlier request. Mails a link to that
    /// address, and a notice to the present first address.
    async fn request_address(
        &self,
        purpose: Purpose,
        caller: &Caller,
        email: &Email,
    ) -> Result<(), AuthError> {
        let Caller { user, session } = caller;
        let pending = Pending { id: self.random.id(self.clock.now()).into(), session: session.id };
        let languages = session.languages.clone();
        let (user, notice) = if purpose == Purpose::SecondaryEmail {
            let user = User { pending_secondary_email: Some(pending), ..user.clone() };
            (user, Some(self.notice_to_first(Notice::SecondaryEmailAsked, caller, email)))
        } else {
            let user = User { pending_email: Some(pending), ..user.clone() };
            // A first address that was never proven may belong to a stranger, who must not be able to stop the
            // change.
            let notice = user.is_verified.then(|| {
                let (purpose, first) = (Purpose::EmailChangeCancel, user.first_email());
                let link = self.new_link(purpose, &user, &first);
                link.in_one_of(languages.clone()).about(email)
            });
            (user, notice)
        };
        let link = self.new_link(purpose, &user, email).in_one_of(languages);
        note("mail", link.id);
        note("kind", purpose.name());
        let mails: Vec<Mail> = [link].into_iter().chain(notice).collect();
        if self.store.request_address(&user, purpose, &pending, &mails).await? {
            Ok(())
        } else {
            Err(AuthError::Unauthenticated)
        }
    }

    /// Writes a mail by itself. Other mails are part of the write that causes them.
    async fn send(&self, mail: Mail) -> Result<(), AuthError> {
        self.store.add_mail(&mail).await?;
        let (user, kind) = (mail.user_id, mail.kind.name());
        note("user", user);
        note("mail", mail.id);
        note("kind", kind);
        Ok(())
    }

    /// Takes as long as [`Accounts::send`], and sends no mail, so that the time of an answer does not reveal which
    /// addresses have accounts.
    async fn send_nothing(&self) -> Result<(), AuthError> {
        let now = self.clock.now();
        self.store.add_decoy(self.random.id(now).into(), now).await?;
        Ok(())
    }

    /// Takes as long as a write that has an event of the audit trail, and changes nothing.
    async fn record_nothing(&self) -> Result<(), AuthError> {
        let now = self.clock.now();
        let ids = [self.random.id(now).into(), self.random.id(now).into()];
        self.store.add_decoys(ids, now).await?;
        Ok(())
    }

    /// The active user who has that address and asks for a mail, and the address as the user wrote it.
    async fn recipient(&self, email: &Email) -> Result<Option<(User, Email)>, AuthError> {
        Ok(active(self.owner(email).await?))
    }

    /// The user who has that address, and the address as the user wrote it. Reads the table twice in any case, so that
    /// an address without an account takes the same time.
    async fn owner(&self, email: &Email) -> Result<Option<(User, Email)>, AuthError> {
        let found = self.store.find_user(&Subject::Email(email.clone())).await?;
        let user = self.store.user(found.unwrap_or_else(|| self.unused_id())).await?;
        Ok(user.and_then(|user| user.own_email(email.key()).map(|own| (user, own))))
    }

    /// An id that no user has.
    fn unused_id(&self) -> UserId {
        self.random.id(self.clock.now()).into()
    }

    fn new_session(&self, user: &User, factor: Factor, client: &Client) -> Session {
        let now = self.clock.now();
        Session::new(self.random.id(now).into(), user, factor, client, &self.policy, now)
    }

    fn token_pair(&self, user: &User, session: &Session) -> TokenPair {
        let claims = self.tokens.access_claims(user, session, &self.policy);
        TokenPair {
            access: self.tokens.access(&claims),
            refresh: self.tokens.refresh(user, session),
            claims,
            refresh_ends_at: session.expires_at,
        }
    }
}

/// The recipient of a mail that the owner asks for, if the account is active. If not, only the log has the reason.
fn active(found: Option<(User, Email)>) -> Option<(User, Email)> {
    match &found {
        None => note("reason", "unknown_user"),
        Some((user, _)) if !user.is_active => {
            note("user", user.id);
            note("reason", "inactive");
        }
        Some((user, _)) => note("user", user.id),
    }
    found.filter(|(user, _)| user.is_active)
}
