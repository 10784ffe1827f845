//! Attacks on a whole site, counted: how many hashes, mails and dollars they cost, and that users do not notice them.

use std::fmt::Write as _;

use accounts::error::AuthError;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, FirstPassword, LoggedIn, Registration};
use jiff::SignedDuration;

use super::Spent;
use crate::{Calls, PASSWORD, Site};

/// The guesses of an attack.
const GUESSES: usize = 10_000;
/// The time in which all guesses come.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// The sign-ups of a wave.
const SIGN_UPS: usize = 5_000;

/// What one log-in cost.
#[derive(Debug, PartialEq)]
struct LogIn {
    calls: Calls,
    hashes: u64,
    read_units: f64,
    write_units: f64,
}

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Many guesses at one account, from many networks.
    OneAccount,
    /// One guess at each of many accounts, from one network.
    ManyAccounts,
    /// Sign-ups of invented addresses, from some networks.
    Wave,
    /// The same, from so many networks that only the site's maximum stops it.
    WideWave,
}

/// The result of an attack.
#[derive(Clone, Debug)]
pub struct AttackResult {
    /// What it cost.
    pub spent: Spent,
    /// The bounds, and whether the attack stays within each.
    pub bounds: Vec<(&'static str, bool)>,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OneAccount, Self::ManyAccounts, Self::Wave, Self::WideWave];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneAccount => "10,000 guesses at one account from 1,000 networks in a minute",
            Self::ManyAccounts => "one guess at each of 10,000 accounts from one network",
            Self::Wave => "5,000 sign-ups of invented addresses from 50 networks in an hour",
            Self::WideWave => "5,000 sign-ups of invented addresses from 250 networks in an hour",
        }
    }

    /// How many attempts it has in the document.
    pub fn attempts(self) -> usize {
        match self {
            Self::OneAccount | Self::ManyAccounts => GUESSES,
            Self::Wave | Self::WideWave => SIGN_UPS,
        }
    }

    /// Makes the attack with this number of attempts, on a site of its own. Another user logs in before, during and
    /// after it.
    pub async fn make(self, attempts: usize) -> AttackResult {
        let site = Site::with(&[("THROTTLE", "on")]).await;
        let ann = site.signed_in("ann").await;
        site.signed_in("bob").await;
        let known = log_in(&site, "ann", PASSWORD, client(60_000)).await.expect("a log-in").device;
        // Now the account knows the network of the log-ins below.
        log_in_of_another(&site).await.expect("a log-in");
        site.deliver_mail().await;
        site.advance(SignedDuration::from_hours(1));
        site.aws.mailbox().clear();
        site.aws.tally().start();
        let mut others = vec![log_in_of_another(&site).await];
        let (mut spent, mut done) = (Spent::default(), 0);
        for number in 0..attempts {
            if number == attempts / 2 {
                others.push(log_in_of_another(&site).await);
            }
            let before = site.accounts.password_hashes();
            let is_done = match self {
                Self::OneAccount => {
                    site.advance(MINUTE / i32::try_from(attempts).unwrap_or(i32::MAX));
                    log_in(&site, "ann", "not it", client(number % 1_000)).await.is_ok()
                }
                Self::ManyAccounts => {
                    log_in(&site, &format!("user{number}"), "not it", client(0)).await.is_ok()
                }
                Self::Wave => sign_up(&site, number, number % 50).await,
                Self::WideWave => sign_up(&site, number, number % 250).await,
            };
            done += u32::from(is_done);
            spent.hashes +=
                u32::try_from(site.accounts.password_hashes() - before).unwrap_or(u32::MAX);
            take(&site, &mut spent);
        }
        spent.requests = to_u32(attempts);
        site.deliver_mail().await;
        spent.mails = to_u32(site.aws.mailbox().messages().len());
        take(&site, &mut spent);
        others.push(log_in_of_another(&site).await);
        site.aws.tally().stop();
        let mut bounds = self.bounds(&spent, done);
        let is_same = others.iter().all(|other| other.is_some() && *other == others[0]);
        bounds.push(("a log-in of another user costs the same before, during and after", is_same));
        bounds.extend(unharmed(&site, &ann.email(), known).await);
        AttackResult { spent, bounds }
    }

    fn bounds(self, spent: &Spent, done: u32) -> Vec<(&'static str, bool)> {
        match self {
            Self::OneAccount => vec![
                ("at most 20 hashes", spent.hashes <= 20),
                ("less than $0.05", spent.dollars() < 0.05),
                ("no guess succeeds", done == 0),
            ],
            Self::ManyAccounts => {
                vec![("at most 100 hashes", spent.hashes <= 100), ("no guess succeeds", done == 0)]
            }
            Self::Wave | Self::WideWave => vec![
                ("at most 1,000 mails", spent.mails <= 1_000),
                ("a mail and a hash for each account", spent.mails == done && spent.hashes == done),
            ],
        }
    }
}

/// Adds what was spent since the last look.
fn take(site: &Site, spent: &mut Spent) {
    spent.round_trips += to_u32(site.calls.take().round_trips);
    for call in site.aws.tally().take() {
        spent.read_units += call.read_units;
        spent.write_units += call.write_units;
    }
}

/// What the log-in of a user who is not attacked costs. `None` if it fails.
async fn log_in_of_another(site: &Site) -> Option<LogIn> {
    site.calls.take();
    site.aws.tally().take();
    let before = site.accounts.password_hashes();
    log_in(site, "bob", PASSWORD, client(60_002)).await.ok()?;
    let mut spent = Spent::default();
    let (calls, hashes) = (site.calls.take(), site.accounts.password_hashes() - before);
    take(site, &mut spent);
    let Spent { read_units, write_units, .. } = spent;
    Some(LogIn { calls, hashes, read_units, write_units })
}

/// Whether the owner gets in on a device that the account knows, and gets a mail.
async fn unharmed(site: &Site, email: &str, known: String) -> Vec<(&'static str, bool)> {
    let from = Client { device: Some(known), ..client(60_001) };
    let is_in = log_in(site, "ann", PASSWORD, from).await.is_ok();
    site.aws.mailbox().clear();
    let sent = site.accounts.send_password_reset(email, &client(60_003)).await.is_ok();
    let mailed = site.mails_to(email).await.len();
    vec![
        ("the owner logs in on a known device at the first attempt", is_in),
        ("a reset mail arrives", sent && mailed == 1),
    ]
}

async fn log_in(
    site: &Site,
    name: &str,
    password: &str,
    client: Client,
) -> Result<LoggedIn, AuthError> {
    let name = Credentials::Username(name.to_owned());
    Box::pin(site.accounts.log_in(name, PlainPassword::new(password), &client)).await
}

async fn sign_up(site: &Site, number: usize, network: usize) -> bool {
    let password = FirstPassword::Given(PlainPassword::new(PASSWORD));
    let email = format!("wave{number}@invented.example");
    let registration = Registration::new(email, Some(format!("wave{number}")), password);
    Box::pin(site.accounts.register(registration, &client(network))).await.is_ok()
}

/// A client in the network of that number.
fn client(number: usize) -> Client {
    let ip = format!("10.{}.{}.1", number / 250, number % 250);
    Client { ip: Some(ip), ..Client::default() }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The table of the document.
pub fn table(found: &[(Attack, AttackResult)]) -> String {
    let mut text = "| attack | hashes | mails | read units | write units | $ | bounds |\n\
                    |---|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for (attack, AttackResult { spent, bounds }) in found {
        let words = bounds.iter().map(|(what, is_kept)| {
            let word = if *is_kept { "PASS" } else { "FAIL" };
            format!("{what}: {word}")
        });
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.3} | {} |",
            attack.name(),
            spent.hashes,
            spent.mails,
            spent.read_units,
            spent.write_units,
            spent.dollars(),
            words.collect::<Vec<_>>().join("; "),
        );
    }
    text
}
