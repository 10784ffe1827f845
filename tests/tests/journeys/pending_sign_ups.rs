//! `CONCEAL_ACCOUNTS`: a sign-up has no account before its link or its code is used.

use std::sync::Arc;

use accounts::AuthError;
use accounts::model::{Client, Email, PlainPassword, User, Username};
use accounts::operations::{FirstPassword, NewPassword, Registration};
use accounts::store::Subject;
use embedded::{Fault, Gate, Message, Times};
use jiff::SignedDuration;
use journeys::{Calls, PASSWORD, Site, at_once, failure_code, link_token};
use serde_json::json;

pub(crate) const CONCEALING: (&str, &str) = ("CONCEAL_ACCOUNTS", "true");
pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const OTHER: &str = "another jf84jfKKd";
pub(crate) const ACTIVATE: &str = "Activate your account on Example";
/// Of a sign-up, by default.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Of a link, by default.
pub(crate) const LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
pub(crate) const SECOND: SignedDuration = SignedDuration::from_secs(1);

pub(crate) async fn concealing() -> Site {
    Site::with(&[CONCEALING]).await
}

/// Signs ann up, by name and password.
pub(crate) async fn sign_up(site: &Site, name: &str, password: &str) {
    let answer = site.register(ANN, name, password, password).await;
    assert_eq!(answer["success"], true, "{answer}");
}

/// The code of the failure of a log-in, or none.
pub(crate) async fn log_in(site: &Site, key: &str, value: &str, password: &str) -> String {
    let answer = site.token_auth(json!({ key: value, "password": password })).await;
    assert_eq!(answer["success"] == true, answer["errors"].is_null());
    failure_code(&answer).to_owned()
}

pub(crate) fn subjects(mails: &[Message]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

pub(crate) async fn send_again(site: &Site) {
    site.accounts.resend_activation(ANN, &Client::default()).await.unwrap();
}

pub(crate) fn outcome(result: Result<(), AuthError>) -> &'static str {
    result.map_or_else(|error| error.code(), |()| "ok")
}

/// Sorted partition keys, without their random parts.
async fn partitions(site: &Site) -> Vec<String> {
    let items = site.all().await.into_iter();
    let keys = items.map(|item| item["pk"].as_s().unwrap().split('#').next().unwrap().to_owned());
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    keys
}

/// The account of the address.
pub(crate) async fn account(site: &Site) -> User {
    let id = site.store.find_user(&Subject::Email(Email::parse(ANN).unwrap())).await.unwrap();
    site.store.user(id.unwrap()).await.unwrap().unwrap()
}

/// One account, with all its unique keys for good, and nothing pending.
async fn assert_one_account(site: &Site) {
    let [guards, accounts] = site.owners().await;
    assert_eq!(accounts.len(), 2, "{accounts:?}");
    for owned in &accounts {
        assert!(guards.contains(owned), "{owned:?} {guards:?}");
    }
    let guard = site.item("EMAIL#", "GUARD").await;
    assert!(!guard.contains_key("expires_at"), "{guard:?}");
}

#[tokio::test]
pub(crate) async fn a_sign_up_has_no_account_before_its_link_is_used() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    assert_eq!(site.calls.take(), Calls { round_trips: 1, calls: 1 });
    assert_eq!(partitions(&site).await, ["MAIL", "PENDING", "USERNAME"]);
    for (key, value) in [("username", "ann"), ("email", ANN)] {
        assert_eq!(log_in(&site, key, value, PASSWORD).await, "invalid_credentials", "{key}");
    }
    site.send_password_reset(ANN).await;
    let mails = site.mails_to(ANN).await;
    assert_eq!(subjects(&mails), [ACTIVATE], "and no reset");
    assert!(mails[0].text.as_ref().unwrap().contains("ann"), "the mail has the username");

    let link = link_token(&mails[0]);
    let view = site.accounts.view_link(&link).await.unwrap();
    assert_eq!((view.username.as_str(), view.is_account_proven), ("ann", false));
    assert_eq!(view.email, "a***@example.com");
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert_eq!(log_in(&site, "username", "ann", PASSWORD).await, "");
    assert_one_account(&site).await;
    assert!(site.items("PENDING#").await.is_empty());

    assert_eq!(failure_code(&site.verify_account(&link).await), "already_verified");
    assert_eq!(site.accounts.view_link(&link).await.unwrap_err().code(), "already_verified");
    site.advance(LIFETIME * 2);
    site.clean_up().await;
    assert_one_account(&site).await;
}

#[tokio::test]
async fn the_code_creates_the_account_too() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    let proof = json!({ "email": ANN, "otp": site.code(ANN).await });
    assert_eq!(site.rest("verify-email/", proof.clone()).await.status, 200);
    assert_one_account(&site).await;
    assert!(site.items("PENDING#").await.is_empty());
    assert_ne!(site.rest("verify-email/", proof).await.status, 200, "a code works once");
    assert_eq!(log_in(&site, "email", ANN, PASSWORD).await, "");
}

#[tokio::test]
async fn an_account_has_the_id_and_names_that_its_sign_up_returned() {
    let site = concealing().await;
    let document = format!(
        "mutation {{ user_register(arg: {{email: \"Ann@example.com\", username: \"Ann\", \
         password: \"{PASSWORD}\"}}) {{ id username email }} }}"
    );
    let answer = site.graphql(&document, json!({})).await.json();
    let returned = answer["data"]["user_register"].clone();
    let link = site.link_token("Ann@example.com").await;
    site.verify_account(&link).await;
    let user = site.item("USER#", "USER").await;
    let text = |name: &str| user[name].as_s().unwrap().as_str();
    let account = json!({ "id": text("id"), "username": "Ann", "email": "Ann@example.com" });
    assert_eq!(account, returned);
    assert_eq!((text("username"), text("email")), ("Ann", "Ann@example.com"));
    assert_eq!(user["is_verified"].as_bool(), Ok(&true));
    assert_eq!(user["registration_sent"].as_bool(), Ok(&true));
    assert!(!user.contains_key("ends_at") && !user.contains_key("sweep_pk"), "{user:?}");
}

#[tokio::test]
async fn each_link_opens_its_own_sign_up() {
    for first_is_used in [true, false] {
        let site = concealing().await;
        sign_up(&site, "ann", PASSWORD).await;
        let first = site.link_token(ANN).await;
        sign_up(&site, "eve", OTHER).await;
        let second = site.link_token(ANN).await;
        let names = [(&first, "ann", PASSWORD), (&second, "eve", OTHER)];
        for (link, name, _) in names {
            assert_eq!(site.accounts.view_link(link).await.unwrap().username, name);
        }
        let [used, other] = if first_is_used { names } else { [names[1], names[0]] };
        assert_eq!(site.verify_account(used.0).await["success"], true);
        assert_eq!(account(&site).await.username, used.1);
        assert_eq!(failure_code(&site.verify_account(other.0).await), "already_verified");
        assert_eq!(site.accounts.view_link(other.0).await.unwrap_err().code(), "already_verified");
        assert_eq!(log_in(&site, "username", other.1, other.2).await, "invalid_credentials");
        assert_one_account(&site).await;
    }
}

#[tokio::test]
async fn a_code_belongs_to_the_newest_mail() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    let first = site.code(ANN).await;
    sign_up(&site, "eve", OTHER).await;
    let second = site.code(ANN).await;
    assert_ne!(first, second);
    let verify = async |code: &str| {
        outcome(site.accounts.verify_account_by_code(ANN, code, &Client::default()).await)
    };
    assert_eq!(verify(&first).await, "invalid_otp");
    assert_eq!(verify(&second).await, "ok");
    assert_eq!(account(&site).await.username, "eve");
}

/// A stranger signs up with the address before or after its owner does. So the mail that the owner uses, which may
/// be the only one so far, may be of the stranger's sign-up.
#[tokio::test]
async fn of_several_sign_ups_with_one_address_no_password_counts() {
    for (uses_code, stranger_is_first) in
        [(true, true), (true, false), (false, true), (false, false)]
    {
        let site = concealing().await;
        let sign_ups = [("mallory", OTHER), ("ann", PASSWORD)];
        let [first, second] = if stranger_is_first { sign_ups } else { [sign_ups[1], sign_ups[0]] };
        let answer = site
            .accounts
            .register(
                Registration {
                    first_name: Some("Mallory".to_owned()),
                    ..registration(first.0, first.1)
                },
                &Client::default(),
            )
            .await;
        assert!(answer.is_ok());
        let (link, code) = (site.link_token(ANN).await, site.code(ANN).await);
        sign_up(&site, second.0, second.1).await;
        let used = if uses_code {
            site.accounts.verify_account_by_code(ANN, &code, &Client::default()).await
        } else {
            site.accounts.verify_account(&link).await
        };
        assert_eq!(outcome(used), "ok");
        for (name, password) in sign_ups {
            assert_eq!(
                log_in(&site, "email", ANN, password).await,
                "invalid_credentials",
                "{name}"
            );
        }
        let made = account(&site).await;
        assert_eq!((made.password, made.first_name.as_str()), (None, ""));
        // The owner of the mailbox chooses one.
        let mails = site.mails_to(ANN).await;
        let set = mails.iter().find(|mail| mail.subject == "Set your password on Example").unwrap();
        let new = NewPassword::twice("a third jf84jfKKd", "a third jf84jfKKd".to_owned());
        site.accounts.set_password(&link_token(set), new).await.unwrap();
        assert_eq!(log_in(&site, "email", ANN, "a third jf84jfKKd").await, "");
        assert_one_account(&site).await;
    }
}

/// A sign-up that has ended makes no other one doubtful.
#[tokio::test]
async fn the_password_counts_when_the_other_sign_up_has_ended() {
    let site = concealing().await;
    sign_up(&site, "mallory", OTHER).await;
    site.advance(LIFETIME);
    sign_up(&site, "ann", PASSWORD).await;
    assert_eq!(site.verify_account(&site.link_token(ANN).await).await["success"], true);
    assert_eq!(log_in(&site, "email", ANN, PASSWORD).await, "");
}

fn registration(name: &str, password: &str) -> Registration {
    let password = FirstPassword::Given(PlainPassword::new(password.to_owned()));
    Registration::new(ANN.to_owned(), Some(name.to_owned()), password)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_at_once_one_creates_the_account() {
    for way in ["one link twice", "link and code", "two sign-ups"] {
        let site = Arc::new(concealing().await);
        sign_up(&site, "ann", PASSWORD).await;
        let first = site.link_token(ANN).await;
        let code = site.code(ANN).await;
        let second = if way == "two sign-ups" {
            sign_up(&site, "eve", OTHER).await;
            site.link_token(ANN).await
        } else {
            first.clone()
        };
        site.meet("TransactWriteItems", 2);
        let outcomes = at_once(2, |number| {
            let (site, code) = (site.clone(), code.clone());
            let link = if number == 0 { first.clone() } else { second.clone() };
            async move {
                outcome(if way == "link and code" && number == 1 {
                    site.accounts.verify_account_by_code(ANN, &code, &Client::default()).await
                } else {
                    site.accounts.verify_account(&link).await
                })
            }
        });
        let mut outcomes = outcomes.await;
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["already_verified", "ok"], "{way}");
        assert_one_account(&site).await;
    }
}

#[tokio::test]
async fn a_use_that_breaks_off_loses_nothing() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    let link = site.link_token(ANN).await;
    let before = site.dump().await;
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::InternalError);
    assert_eq!(outcome(site.accounts.verify_account(&link).await), "unavailable");
    assert_eq!(site.dump().await, before);
    site.end_faults().await;
    // The write is done, and its answer is lost: the SDK asks again.
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::AnswerLost);
    assert_eq!(outcome(site.accounts.verify_account(&link).await), "ok");
    assert_one_account(&site).await;
}

#[tokio::test]
async fn a_name_is_reserved_as_long_as_the_sign_up_is_pending() {
    let site = concealing().await;
    sign_up(&site, "coco", PASSWORD).await;
    site.deliver_mail().await;
    let taken = async |name: &str| {
        let answer = site.register("bob@example.com", name, OTHER, OTHER).await;
        answer["errors"]["username"][0]["code"] == "unique"
    };
    site.advance(LIFETIME - SECOND);
    assert_eq!(site.clean_up().await.sign_ups, 0);
    // The second one looks like the first one.
    for name in ["coco", "\u{441}\u{43e}\u{441}\u{43e}"] {
        assert!(taken(name).await, "{name}");
    }
    site.advance(SECOND);
    assert!(!taken("\u{441}\u{43e}\u{441}\u{43e}").await, "although nothing was deleted yet");
    assert_eq!(site.clean_up().await.sign_ups, 1);
    assert_eq!(site.items("PENDING#").await.len(), 1, "the other one's");
}

#[tokio::test]
async fn an_ended_sign_up_creates_no_account_even_if_it_was_not_deleted() {
    let site = Site::with(&[CONCEALING, ("UNVERIFIED_ACCOUNT_LIFETIME", "604800")]).await;
    sign_up(&site, "ann", PASSWORD).await;
    let link = site.link_token(ANN).await;
    site.advance(LINK_LIFETIME - SignedDuration::from_mins(1));
    send_again(&site).await;
    let (last, code) = (site.link_token(ANN).await, site.code(ANN).await);
    site.advance(SignedDuration::from_mins(1));
    for link in [link, last] {
        assert_eq!(outcome(site.accounts.verify_account(&link).await), "expired_token");
    }
    let by_code = site.accounts.verify_account_by_code(ANN, &code, &Client::default()).await;
    assert_eq!(outcome(by_code), "invalid_otp");
    assert_eq!(site.items("PENDING#").await.len(), 1);
    send_again(&site).await;
    assert_eq!(site.mails_to(ANN).await.len(), 2, "and none for a sign-up that has ended");
    assert!(site.items("USER#").await.is_empty());
}

#[tokio::test]
async fn a_late_use_of_the_link_cannot_take_a_name_that_another_has_by_then() {
    for is_taken in [true, false] {
        let site = Arc::new(concealing().await);
        sign_up(&site, "ann", PASSWORD).await;
        site.deliver_mail().await;
        site.advance(LIFETIME - SECOND);
        send_again(&site).await;
        let link = site.link_token(ANN).await;
        // The use is on its way when the sign-up ends.
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let late = tokio::spawn({
            let site = site.clone();
            async move { outcome(site.accounts.verify_account(&link).await) }
        });
        gate.arrived(1).await;
        site.advance(SECOND);
        if is_taken {
            let answer = site.register("bob@example.com", "ann", OTHER, OTHER).await;
            assert_eq!(answer["success"], true, "{answer}");
        }
        gate.open();
        assert_eq!(late.await.unwrap(), if is_taken { "invalid_token" } else { "ok" });
        assert_eq!(site.items("USER#").await.len(), usize::from(!is_taken));
    }
}

#[tokio::test]
async fn a_link_works_after_accounts_are_no_longer_concealed() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    let site = site.restarted_with(&[]);
    let link = site.link_token(ANN).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert_one_account(&site).await;
}

#[tokio::test]
async fn another_account_can_prove_the_address_of_a_pending_sign_up_first() {
    let site = concealing().await;
    let bob = site.sign_up("bob").await;
    site.verify_account(&site.link_token(&bob.email()).await).await;
    let bob = site.log_in(&bob).await;
    sign_up(&site, "ann", PASSWORD).await;
    let pending = site.link_token(ANN).await;
    // Another account proves the address first.
    let link = site.email_change_link(&bob, ANN).await;
    site.accounts.confirm_address(&link).await.unwrap();
    assert_eq!(outcome(site.accounts.verify_account(&pending).await), "already_verified");
    let subject = accounts::store::Subject::Username(Username::parse("ann").unwrap());
    let found = site.store.find_user(&subject).await.unwrap().unwrap();
    assert_eq!(site.store.user(found).await.unwrap(), None);
}

#[tokio::test]
async fn a_pending_sign_up_holds_no_secret() {
    let site = concealing().await;
    sign_up(&site, "ann", PASSWORD).await;
    let (link, code) = (site.link_token(ANN).await, site.code(ANN).await);
    let table = site.dump().await.concat();
    for secret in [PASSWORD, link.rsplit('.').next().unwrap(), &format!("\"{code}\"")] {
        assert!(!table.contains(secret), "{secret}");
    }
    let digest = Email::parse(ANN).unwrap().digest();
    assert_eq!(site.items(&format!("PENDING#{digest}")).await.len(), 1);
}
