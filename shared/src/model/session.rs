//! Sessions: one for each log-in.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Factor, Languages, SessionId, User, UserId};
use crate::policy::Policy;

/// How long a proof is enough for an operation that a stolen session must not be enough for (OWASP ASVS 7.5.1).
pub const RECENT: SignedDuration = SignedDuration::from_mins(5);
/// How long a session of the pages lives without use (OWASP ASVS 7.3.1).
pub const PAGE_IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How long it lives at most.
pub const PAGE_ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// How far the clocks of two functions may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// The origin of a request, as the session's owner sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// From the connection or the API Gateway, never from a header that a client can write.
    pub ip: Option<String>,
    /// At most [`Client::MAX_AGENT`] code points of it are kept.
    pub user_agent: Option<String>,
    /// The preferred languages of mails to the client.
    pub languages: Languages,
    /// The device token of an earlier log-in, if the request has it.
    pub device: Option<String>,
    /// The proof of work that the request has, if any.
    pub work: Option<String>,
    /// Whether `ip` is the address of a server that calls for many clients.
    pub shares_ip: bool,
    /// Whether each refresh replaces its refresh token.
    pub refresh_tokens: RefreshTokens,
    /// Whether the user asks for trust in the device. It counts in the second step of a log-in.
    pub trusts_device: bool,
}

/// Whether a session's refresh token is replaced when it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefreshTokens {
    /// A new one replaces it, so that a copy is detected.
    #[default]
    Rotate,
    /// It stays: its client's API has no place for another.
    Stay,
    /// There is none: it is a session of the console of staff, which no token of the API opens.
    Console,
    /// There is none: it is a session of the account pages, which no token of the API opens.
    Account,
}

impl Client {
    /// The most code points of a user agent that are kept.
    pub const MAX_AGENT: usize = 200;

    /// The stored form: shortened, without control characters.
    pub(crate) fn for_keeping(&self) -> Self {
        let cut = |text: &String| -> String {
            text.chars().filter(|c| !c.is_control()).take(Self::MAX_AGENT).collect()
        };
        let (ip, user_agent) = (self.ip.as_ref().map(cut), self.user_agent.as_ref().map(cut));
        Self { ip, user_agent, ..self.clone() }
    }
}

/// One log-in of one user, which lasts as long as its refresh tokens are used in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names the session.
    pub id: SessionId,
    /// The user of the session.
    pub user_id: UserId,
    /// The user's epoch at log-in; see [`User::epoch`].
    pub epoch: u64,
    /// How often it was refreshed.
    pub generation: u64,
    /// Whether a refresh replaces the refresh token.
    #[serde(default)]
    pub refresh_tokens: RefreshTokens,
    /// When the session was opened.
    pub created_at: Timestamp,
    /// When the user last proved the first factor in it. A refresh does not change it.
    pub auth_time: Timestamp,
    /// How the user has proven who it is, in this order. A session of an earlier release began with a password.
    #[serde(default = "password_alone")]
    pub factors: Vec<Factor>,
    /// When the user last proved a second factor in it; `None` if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
    /// The trusted device of the log-in: see [`TrustedDevice::id`](super::TrustedDevice::id). The trust may have ended
    /// since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_device: Option<String>,
    /// When the present access token was issued, and with it, if it rotates, the refresh token.
    pub rotated_at: Timestamp,
    /// The end unless it is refreshed before, in epoch seconds.
    pub expires_at: i64,
    /// The absolute end, in epoch seconds. No refresh extends the session beyond it.
    pub ends_at: i64,
    /// The IP address of the last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The user agent of the last refresh or log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The user's preferred languages at log-in.
    #[serde(default, skip_serializing_if = "Languages::is_empty")]
    pub languages: Languages,
}

fn password_alone() -> Vec<Factor> {
    vec![Factor::Password]
}

impl Session {
    /// The session of a user who has just logged in by that first factor.
    pub fn new(
        id: SessionId,
        user: &User,
        factor: Factor,
        client: &Client,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let (idle, absolute) = match client.refresh_tokens {
            RefreshTokens::Console | RefreshTokens::Account => (PAGE_IDLE, PAGE_ABSOLUTE),
            RefreshTokens::Rotate | RefreshTokens::Stay => {
                (policy.refresh_token_lifetime, policy.refresh_token_absolute_lifetime)
            }
        };
        let ends_at = seconds_after(now, absolute);
        let Client { ip, user_agent, languages, refresh_tokens, .. } = client.for_keeping();
        Self {
            id,
            refresh_tokens,
            user_id: user.id,
            epoch: user.epoch,
            generation: 0,
            created_at: now,
            auth_time: now,
            factors: vec![factor],
            second_factor_at: None,
            trusted_device: None,
            rotated_at: now,
            expires_at: seconds_after(now, idle).min(ends_at),
            ends_at,
            ip,
            user_agent,
            languages,
        }
    }

    /// Whether the session is alive for that user.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        user.is_active
            && self.user_id == user.id
            && self.epoch == user.epoch
            && now.as_second() < self.expires_at
    }

    /// Whether the user proved the first factor in the last [`RECENT`]. A mailed link or code is not enough for a user who
    /// has a password: a thief of the mailbox, who does not know it, would have to reset it, and the user would notice
    /// that.
    pub fn is_recent(&self, user: &User, now: Timestamp) -> bool {
        let is_enough = user.password.is_none() || !self.is_by_mail_alone();
        is_enough && is_recent(self.auth_time, now)
    }

    /// Whether the log-in was by a mailed link or code.
    pub fn began_by_mail(&self) -> bool {
        self.factors.first().is_some_and(|factor| factor.is_mail())
    }

    /// Whether the session is of a user with a second factor who has not proven it in the session, because the log-in was on
    /// a trusted device.
    pub fn is_by_trusted_device(&self) -> bool {
        self.trusted_device.is_some() && self.second_factor_at.is_none()
    }

    fn is_by_mail_alone(&self) -> bool {
        self.factors.iter().all(|factor| factor.is_mail())
    }

    /// The same session, in which the user has just proven that first factor once more.
    #[must_use]
    pub fn with_first_factor(mut self, factor: Factor, now: Timestamp) -> Self {
        if !self.factors.contains(&factor) {
            self.factors.push(factor);
        }
        self.auth_time = now;
        self
    }

    /// Whether the user proved a second factor in the last [`RECENT`].
    pub fn has_recent_second_factor(&self, now: Timestamp) -> bool {
        self.second_factor_at.is_some_and(|moment| is_recent(moment, now))
    }

    /// The same session, in which the user has just proven that second factor.
    #[must_use]
    pub fn with_second_factor(mut self, factor: Factor, now: Timestamp) -> Self {
        if !self.factors.contains(&factor) {
            self.factors.push(factor);
        }
        self.second_factor_at = Some(now);
        self
    }

    /// The same session, with new tokens: what they claim has changed. The refresh token from before counts as used.
    #[must_use]
    pub fn with_new_tokens(self, now: Timestamp) -> Self {
        Self { generation: self.generation + 1, rotated_at: now, ..self }
    }

    /// The claim `amr`: how the user has proven who it is (RFC 8176).
    pub fn amr(&self) -> Vec<&'static str> {
        let mut values = Vec::new();
        let multiple = self.second_factor_at.map(|_| "mfa");
        for value in self.factors.iter().map(|factor| factor.amr()).chain(multiple) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// The claim `acr`: the authentication assurance level of NIST SP 800-63B.
    pub fn acr(&self) -> &'static str {
        if self.second_factor_at.is_some() { "aal2" } else { "aal1" }
    }

    /// The claim `auth_time` (`OpenID` Connect Core, 2): the time of the last proof in the session.
    pub fn proven_at(&self) -> Timestamp {
        self.second_factor_at.map_or(self.auth_time, |moment| moment.max(self.auth_time))
    }

    /// The id of the access token that goes with the present refresh token. It is derived from the session, so that a
    /// repeated refresh within the grace period gives the same tokens.
    pub fn access_jti(&self) -> String {
        format!("{}.a{}", self.id, self.generation)
    }

    /// The id of the present refresh token.
    pub fn refresh_jti(&self) -> String {
        format!("{}.r{}", self.id, self.refresh_generation())
    }

    /// Which of the session's refresh tokens is the present one.
    pub fn refresh_generation(&self) -> u64 {
        match self.refresh_tokens {
            RefreshTokens::Rotate => self.generation,
            RefreshTokens::Stay | RefreshTokens::Console | RefreshTokens::Account => 0,
        }
    }

    /// When the present refresh token was issued.
    pub fn refresh_given_at(&self) -> Timestamp {
        match self.refresh_tokens {
            RefreshTokens::Rotate => self.rotated_at,
            RefreshTokens::Stay | RefreshTokens::Console | RefreshTokens::Account => {
                self.created_at
            }
        }
    }
}

/// A moment in the future comes from a wrong clock, and counts only within the allowed difference of clocks.
fn is_recent(moment: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(moment);
    -CLOCK_SKEW <= age && age <= RECENT
}

/// `now` plus the lifetime, in epoch seconds.
pub(crate) fn seconds_after(now: Timestamp, lifetime: SignedDuration) -> i64 {
    now.as_second().saturating_add(lifetime.as_secs())
}
