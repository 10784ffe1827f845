//! The operations of the simulated day, each carried out once to learn its units by partition key.

use std::collections::BTreeMap;

use accounts::model::{Client, PlainPassword, Record};
use accounts::operations::Credentials;
use jiff::SignedDuration;
use serde_json::json;

use super::place::{Place, Units, by_place};
use crate::Site;
use crate::costs::{Operation, metered};

/// How many ends of sessions the feed has when its units are measured.
const ENDS: u32 = 50;

/// An operation that arrives in the simulated day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arrival {
    SignUp,
    Verify,
    Mail,
    LogIn,
    LogOut,
    Query,
    Refresh,
    RequestReset,
    Reset,
    /// The clean-up deletes a session that has expired.
    Sweep,
    /// A guess at an account that is locked for the network of the guess.
    LockedGuess,
    /// A guess at an account that does not exist.
    Guess,
    /// The guess that locks its network.
    LastGuess,
    /// A sign-up of a network that has to wait.
    LockedSignUp,
    /// A process reads the revocation feed: units for one end in it.
    ReadEnd,
    /// `import` writes a user.
    Import,
}

/// The units of each, by place.
pub(super) type MeasuredUnits = BTreeMap<Arrival, BTreeMap<Place, Units>>;

impl Arrival {
    pub(super) const ALL: [Self; 16] = [
        Self::SignUp,
        Self::Verify,
        Self::Mail,
        Self::LogIn,
        Self::LogOut,
        Self::Query,
        Self::Refresh,
        Self::RequestReset,
        Self::Reset,
        Self::Sweep,
        Self::LockedGuess,
        Self::Guess,
        Self::LastGuess,
        Self::LockedSignUp,
        Self::ReadEnd,
        Self::Import,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Verify => "verification by link",
            Self::Mail => "mail sent",
            Self::LogIn => "log-in",
            Self::LogOut => "log-out, with the revocation feed",
            Self::Query => "authenticated query",
            Self::Refresh => "refresh",
            Self::RequestReset => "request for a reset mail",
            Self::Reset => "password reset by link",
            Self::Sweep => "expired session deleted by the clean-up",
            Self::LockedGuess => "guess at a locked account",
            Self::Guess => "wrong password, not locked",
            Self::LastGuess => "wrong password that locks its network",
            Self::LockedSignUp => "sign-up of a locked network",
            Self::ReadEnd => "read of the feed by a process, for each ended session in the feed",
            Self::Import => "user imported",
        }
    }

    /// Calls to the table, one after the other, by `docs/costs.md`.
    pub(super) fn round_trips(self) -> u32 {
        match self {
            Self::SignUp => 4,
            Self::LogIn | Self::Reset => 3,
            Self::Guess | Self::LastGuess => 5,
            Self::Verify | Self::RequestReset => 2,
            Self::LogOut
            | Self::Query
            | Self::Refresh
            | Self::LockedGuess
            | Self::LockedSignUp
            | Self::ReadEnd
            | Self::Mail
            | Self::Sweep
            | Self::Import => 1,
        }
    }

    /// Whether it computes a password hash.
    pub(super) fn has_hash(self) -> bool {
        let with_hash = [Self::SignUp, Self::LogIn, Self::Reset, Self::Guess, Self::LastGuess];
        with_hash.contains(&self)
    }

    /// Whether no request of a user causes it.
    pub(super) fn is_of_operator(self) -> bool {
        matches!(self, Self::Sweep | Self::Import)
    }

    async fn units(self) -> BTreeMap<Place, Units> {
        let operation = match self {
            Self::SignUp => Operation::RegisterWithTokens,
            Self::Verify => Operation::VerifyByLink,
            Self::Mail => Operation::SendMail,
            Self::LogIn => Operation::LogInByEmail,
            Self::LogOut => Operation::LogOutInFeed,
            Self::Query => Operation::AuthenticatedQuery,
            Self::Refresh => Operation::Refresh,
            Self::LockedGuess => Operation::LockedLogIn,
            Self::Guess => Operation::UnknownUser,
            Self::LockedSignUp => Operation::LockedSignUp,
            Self::RequestReset | Self::Reset => return Box::pin(self.reset()).await,
            Self::LastGuess => return Box::pin(last_guess()).await,
            Self::Sweep => return Box::pin(sweep()).await,
            Self::ReadEnd => return Box::pin(read_end()).await,
            Self::Import => return Box::pin(import()).await,
        };
        by_place(&Box::pin(operation.cost()).await.keys)
    }

    async fn reset(self) -> BTreeMap<Place, Units> {
        let site = Site::with(&[("THROTTLE", "on"), ("REVOCATIONS", "on")]).await;
        let ann = site.signed_in("ann").await;
        let email = ann.email();
        let client = Client { ip: Some("203.0.113.7".to_owned()), ..Client::default() };
        let asked = Box::pin(site.accounts.send_password_reset(&email, &client));
        let (asked, cost) = metered(&site, asked).await;
        assert!(asked.is_ok(), "{asked:?}");
        if self == Self::RequestReset {
            return by_place(&cost.keys);
        }
        // The mails of an address are a minute apart.
        site.deliver_mail().await;
        site.advance(SignedDuration::from_mins(1));
        site.clean_up().await;
        let token = site.link_token(&email).await;
        let reset = site.reset_password(&token, "zmxn73hhQQp", "zmxn73hhQQp");
        let (answer, cost) = metered(&site, reset).await;
        assert_eq!(answer["success"], true, "{answer}");
        by_place(&cost.keys)
    }
}

/// The units of the guess that is the last one of its network.
async fn last_guess() -> BTreeMap<Place, Units> {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let client = Client { ip: Some("203.0.113.7".to_owned()), ..Client::default() };
    let guess = async |number: u32| {
        let name = Credentials::Username(format!("user{number}"));
        let password = PlainPassword::new("not it");
        Box::pin(site.accounts.log_in(name, password, &client)).await.is_err()
    };
    for number in 1..15 {
        assert!(guess(number).await);
    }
    let (is_refused, cost) = metered(&site, guess(15)).await;
    assert!(is_refused);
    by_place(&cost.keys)
}

/// Measures all of them.
pub(super) async fn measure() -> MeasuredUnits {
    let mut measured = MeasuredUnits::new();
    for arrival in Arrival::ALL {
        measured.insert(arrival, Box::pin(arrival.units()).await);
    }
    measured
}

/// The units of a run that deletes a session, without those of a run that finds nothing.
async fn sweep() -> BTreeMap<Place, Units> {
    let settings = &[("SEND_ACTIVATION_EMAIL", "false"), ("ALLOW_LOGIN_NOT_VERIFIED", "true")];
    let site = Site::with(settings).await;
    site.sign_up("ann").await;
    site.advance(SignedDuration::from_hours(24 * 7));
    let (counts, cost) = metered(&site, site.clean_up()).await;
    assert_eq!(counts.sessions, 1);
    let mut keys = cost.keys;
    keys.retain(|key| key.write_units > 0.0);
    by_place(&keys)
}

/// The units of the query of the feed, for each end in it.
async fn read_end() -> BTreeMap<Place, Units> {
    let site = Site::with(&[("REVOCATIONS", "on")]).await;
    let ann = site.signed_in("ann").await;
    for _ in 0..ENDS {
        let session = site.log_in(&ann).await;
        let ended = site.revoke_token(&session.refresh).await;
        assert_eq!(ended["success"], true, "{ended}");
    }
    let (feed, cost) = metered(&site, site.accounts.revocations()).await;
    assert!(feed.is_ok_and(|feed| feed.is_some()));
    let mut places = by_place(&cost.keys);
    for units in places.values_mut() {
        units.reads /= f64::from(ENDS);
    }
    places
}

async fn import() -> BTreeMap<Place, Units> {
    let site = Site::start().await;
    let record = json!({ "username": "ann", "email": "ann@example.com", "is_verified": true });
    let record: Record = serde_json::from_value(record).expect("a record");
    let import = site.accounts.import("eve", "run-1", false).expect("an import");
    let prepared = import.prepare(&record).expect("a user");
    let (written, cost) = metered(&site, Box::pin(import.write(&prepared))).await;
    assert!(written.is_ok(), "{written:?}");
    by_place(&cost.keys)
}
