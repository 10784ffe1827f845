//! Random operations on a few names and addresses, one after the other and at once, while AWS fails: what has to hold
//! of the whole table afterwards.
//!
//! `PROPTEST_CASES=2000 cargo test -p journeys --test journeys interleavings` tries more of them, and
//! `PROPTEST_RNG_SEED=2` tries others. A failure prints the shortest sequence of steps that was found to show it.

mod invariants;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use accounts::AuthError;
use accounts::model::{Client, PlainPassword};
use accounts::operations::{Caller, Credentials, FirstPassword, Registration};
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Item, PASSWORD, Site, at_once};
use proptest::test_runner::TestRunner;
use tokio::sync::watch;

use crate::properties;
use steps::{Op, Step};

const OTHER: &str = "another jf84jfKKd";
/// Of a sign-up, by default, and a day.
const LONG: SignedDuration = SignedDuration::from_hours(31 * 24);

const ALLOW_DELETE: (&str, &str) = ("ALLOW_DELETE_ACCOUNT", "true");
const BY_SECOND: (&str, &str) = ("ALLOW_LOGIN_WITH_SECONDARY_EMAIL", "true");
const OPEN: &[(&str, &str)] = &[ALLOW_DELETE, BY_SECOND];
const CONCEALING: &[(&str, &str)] = &[ALLOW_DELETE, BY_SECOND, ("CONCEAL_ACCOUNTS", "true")];
const UNVERIFIED: &[(&str, &str)] =
    &[ALLOW_DELETE, BY_SECOND, ("ALLOW_LOGIN_NOT_VERIFIED", "true")];

/// The tokens of one log-in.
#[derive(Clone, Debug)]
struct TokenPair {
    access: String,
    refresh: String,
}

/// A site, and what its clients know.
struct World {
    site: Site,
    held: Mutex<Vec<TokenPair>>,
    /// How many mails each kind of successful operation has promised to an address.
    promised: Mutex<BTreeMap<(&'static str, String), usize>>,
    /// The promises of the present step.
    made: Mutex<Vec<(&'static str, String)>>,
    /// Each mail that was ever in the table, as it was last seen.
    decided: Mutex<BTreeMap<String, Item>>,
    /// The mails that are in the table.
    present: Mutex<BTreeSet<String>>,
}

impl World {
    async fn start(settings: &'static [(&'static str, &'static str)]) -> Arc<Self> {
        let site = Site::with(settings).await;
        Arc::new(Self {
            site,
            held: Mutex::default(),
            promised: Mutex::default(),
            made: Mutex::default(),
            decided: Mutex::default(),
            present: Mutex::default(),
        })
    }

    /// A client tries once more if the answer was lost, or advised another try.
    async fn run(&self, op: Op) {
        if let Err(AuthError::Unavailable(_)) = self.attempt(op).await {
            let _ = self.attempt(op).await;
        }
    }

    async fn attempt(&self, op: Op) -> Result<(), AuthError> {
        let accounts = &self.site.accounts;
        let client = Client::default();
        match op {
            Op::Register(name, address) => {
                let first = FirstPassword::Given(password(0));
                let registration =
                    Registration::new(address.text(), Some(name.text().to_owned()), first);
                Box::pin(accounts.register(registration, &client)).await?;
                self.promise("activation", address.text());
            }
            Op::LogIn(name, with) => {
                let credentials = Credentials::Username(name.text().to_owned());
                self.log_in(credentials, with).await?;
            }
            Op::LogInByAddress(address, with) => {
                self.log_in(Credentials::Email(address.text()), with).await?;
            }
            Op::UseLink(number) => self.use_link(number).await?,
            Op::Resend(address) => {
                accounts.resend_activation(&address.text(), &client).await?;
            }
            Op::AskReset(address) => {
                accounts.send_password_reset(&address.text(), &client).await?;
            }
            Op::ChangeEmail(session, address) => {
                let caller = self.caller(session).await?;
                accounts.change_email(&caller, &address.text(), None, &client).await?;
                if caller.user.email != address.text() {
                    self.promise("email_change", address.text());
                }
            }
            Op::AskSecond(session, address, with) => {
                let caller = self.caller(session).await?;
                let address = address.text();
                accounts
                    .send_secondary_email_activation(&caller, &address, password(with), &client)
                    .await?;
                self.promise("secondary_email", address);
            }
            Op::Swap(session, with) => {
                accounts.swap_emails(&self.caller(session).await?, password(with)).await?;
            }
            Op::RemoveSecond(session, with) => {
                let caller = self.caller(session).await?;
                accounts.remove_secondary_email(&caller, password(with)).await?;
            }
            Op::ChangePassword(session, with) => {
                let caller = self.caller(session).await?;
                let new = password(with + 1).into();
                let pair =
                    Box::pin(accounts.change_password(&caller, password(with), new, &client))
                        .await?;
                self.hold(TokenPair { access: pair.access, refresh: pair.refresh });
            }
            Op::Refresh(session) => {
                let Some(held) = self.session(session) else { return Ok(()) };
                let pair = accounts.refresh(&held.refresh, &client).await?;
                self.hold(TokenPair { access: pair.access, refresh: pair.refresh });
            }
            Op::LogOut(session) => accounts.log_out(&self.caller(session).await?).await?,
            Op::EndOthers(session) => {
                accounts.end_other_sessions(&self.caller(session).await?).await?;
            }
            Op::Archive(session, with) => {
                accounts.archive_account(&self.caller(session).await?, password(with)).await?;
            }
            Op::Delete(session, with) => {
                let caller = self.caller(session).await?;
                let address = caller.user.email.clone();
                accounts.delete_account(&caller, password(with)).await?;
                self.promise("account_deleted", address);
            }
            Op::CleanUp => {
                let deadline = self.site.now() + SignedDuration::from_hours(1);
                self.site.cleanup().run(deadline).await?;
            }
            Op::Deliver => drop(self.site.deliver_mail().await),
        }
        Ok(())
    }

    async fn log_in(&self, credentials: Credentials, with: u8) -> Result<(), AuthError> {
        let accounts = &self.site.accounts;
        let logged_in =
            Box::pin(accounts.log_in(credentials, password(with), &Client::default())).await?;
        let tokens = logged_in.tokens;
        self.hold(TokenPair { access: tokens.access, refresh: tokens.refresh });
        Ok(())
    }

    /// Uses the link in that mail, counted from the newest one, for each purpose: the token allows one of them.
    async fn use_link(&self, number: u8) -> Result<(), AuthError> {
        let mails = self.site.aws.mailbox().messages();
        let Some(mail) = mails.iter().rev().nth(usize::from(number)) else { return Ok(()) };
        let text = mail.text.as_deref().unwrap_or_default();
        let links = text.lines().filter(|line| line.starts_with("http"));
        let (accounts, client) = (&self.site.accounts, Client::default());
        for token in links.filter_map(|line| line.rsplit('/').next()) {
            let outcomes = [
                accounts.confirm_address(token).await,
                accounts.reset_password(token.into(), password(number).into(), None, &client).await,
                accounts.cancel_email_change(token).await,
                accounts.restore_email(token).await.map(drop),
            ];
            for outcome in outcomes {
                if let Err(AuthError::Unavailable(_)) = &outcome {
                    return outcome;
                }
            }
        }
        Ok(())
    }

    fn session(&self, number: u8) -> Option<TokenPair> {
        let held = self.held.lock().unwrap();
        held.iter().rev().nth(usize::from(number)).cloned()
    }

    fn hold(&self, held: TokenPair) {
        self.held.lock().unwrap().push(held);
    }

    async fn caller(&self, number: u8) -> Result<Caller, AuthError> {
        let held = self.session(number).ok_or(AuthError::Unauthenticated)?;
        self.site.accounts.authenticate(&held.access).await
    }

    fn promise(&self, kind: &'static str, address: String) {
        self.made.lock().unwrap().push((kind, address));
    }

    /// Ends the step. A deletion in it may have deleted the mails of the account before they were seen.
    fn keep_promises(&self, has_deletions: bool) {
        let mut promised = self.promised.lock().unwrap();
        for (kind, address) in self.made.lock().unwrap().drain(..) {
            if !has_deletions || kind == "account_deleted" {
                *promised.entry((kind, address)).or_default() += 1;
            }
        }
    }

    /// Notes the mails that are in the table.
    async fn see_mails(&self) {
        let items = self.site.all().await;
        let mails = items.into_iter().filter(|item| item["sk"].as_s().unwrap() == "MAIL");
        let mails = mails.map(|item| (item["pk"].as_s().unwrap().clone(), item));
        let mails: BTreeMap<_, _> = mails.collect();
        *self.present.lock().unwrap() = mails.keys().cloned().collect();
        self.decided.lock().unwrap().extend(mails);
    }
}

fn password(with: u8) -> PlainPassword {
    PlainPassword::new(if with.is_multiple_of(2) { PASSWORD } else { OTHER }.to_owned())
}

/// Runs the operations at once. Their first transactions meet: the first is carried out when each of the operations
/// has come to one, or has ended.
async fn run_at_once(world: &Arc<World>, ops: &[Op]) {
    let (gate, ended) = (Gate::new(), Arc::new(watch::channel(0_usize).0));
    let calls = u32::try_from(ops.len()).unwrap();
    let held = Fault::Held(gate.clone());
    world.site.aws.faults().fail("TransactWriteItems", Times::N(calls), held);
    for arrived in 0..=ops.len() {
        let (gate, mut ended, count) = (gate.clone(), ended.subscribe(), ops.len());
        tokio::spawn(async move {
            gate.arrived(arrived).await;
            if ended.wait_for(|ended| arrived + ended >= count).await.is_ok() {
                gate.open();
            }
        });
    }
    at_once(ops.len(), |at| {
        let (world, op, ended) = (world.clone(), ops[at], ended.clone());
        async move {
            world.run(op).await;
            ended.send_modify(|ended| *ended += 1);
        }
    })
    .await;
    gate.open();
}

async fn play(settings: &'static [(&'static str, &'static str)], steps: &[Step]) {
    let world = World::start(settings).await;
    for step in steps {
        match step {
            Step::One(op) => world.run(*op).await,
            Step::AtOnce(ops) => run_at_once(&world, ops).await,
            Step::Fail(trouble) => trouble.strike(&world.site),
            Step::Advance(seconds) => {
                world.site.advance(SignedDuration::from_secs(i64::from(*seconds)));
            }
        }
        world.see_mails().await;
        world.keep_promises(
            matches!(step, Step::AtOnce(ops) if ops.iter().copied().any(Op::deletes)),
        );
    }
    world.come_to_rest().await;
    world.assert_consistent().await;
    world.site.advance(LONG);
    world.come_to_rest().await;
    world.assert_consistent().await;
    world.assert_nothing_is_overdue().await;
}

/// Plays sequences of steps; proptest shortens one that fails.
fn test(settings: &'static [(&'static str, &'static str)]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(properties::config(7));
    let result = runner.run(&steps::steps(), |steps| {
        runtime.block_on(async { play(settings, &steps).await });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn whatever_happens_the_table_of_an_open_site_stays_consistent() {
    test(OPEN);
}

#[test]
fn whatever_happens_the_table_of_a_concealing_site_stays_consistent() {
    test(CONCEALING);
}

#[test]
fn whatever_happens_the_table_of_a_site_for_unverified_users_stays_consistent() {
    test(UNVERIFIED);
}
