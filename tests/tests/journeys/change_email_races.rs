//! Changes of address that meet each other, other operations, and a table that fails.

use std::sync::Arc;

use accounts::model::{Client, PlainPassword};
use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site, at_once, failure_code, link_token, s};

const WANTED: &str = "wanted@new.example";
const OTHER: &str = "other@new.example";
const NEW_PASSWORD: &str = "another jf84jfKKd";

async fn start() -> Arc<Site> {
    Arc::new(Site::start().await)
}

async fn use_link(site: &Site, token: &str) -> Result<(), &'static str> {
    site.accounts.verify_new_email(token).await.map_err(|error| error.code())
}

async fn email_of(site: &Site, actor: &Actor) -> String {
    let user = site.item(&format!("USER#{}", actor.user_id()), "USER").await;
    user["email"].as_s().cloned().unwrap()
}

async fn second_address_link(site: &Site, actor: &Actor, email: &str) -> String {
    let password = PlainPassword::new(PASSWORD.to_owned());
    let caller = site.caller(actor).await;
    site.accounts
        .send_secondary_email_activation(&caller, email, password, &Client::default())
        .await
        .unwrap();
    site.link_token(email).await
}

/// How many notices were decided on.
async fn notices(site: &Site) -> usize {
    let dump = site.dump().await;
    dump.iter().filter(|item| item.contains("\"mail\": S(\"email_restore\")")).count()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rival {
    Registration,
    SecondAddress,
    Change,
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_a_change_and_a_rival_request_gets_the_address() {
    for rival in [Rival::Registration, Rival::SecondAddress, Rival::Change] {
        let site = start().await;
        let (ann, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
        let anns = site.email_change_link(&ann, WANTED).await;
        let bobs = match rival {
            Rival::Registration => String::new(),
            Rival::SecondAddress => second_address_link(&site, &bob, WANTED).await,
            Rival::Change => site.email_change_link(&bob, WANTED).await,
        };
        site.meet("TransactWriteItems", 2);
        let outcomes = at_once(2, |at| {
            let (site, anns, bobs) = (site.clone(), anns.clone(), bobs.clone());
            async move {
                if at == 0 {
                    return use_link(&site, &anns).await;
                }
                match rival {
                    Rival::Registration => {
                        let answer = site.register(WANTED, "eve", PASSWORD, PASSWORD).await;
                        if answer["success"] == true { Ok(()) } else { Err("unique") }
                    }
                    Rival::SecondAddress => {
                        let outcome = site.accounts.verify_secondary_email(&bobs).await;
                        outcome.map_err(|error| error.code())
                    }
                    Rival::Change => use_link(&site, &bobs).await,
                }
            }
        })
        .await;
        assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err("unique")), "{outcomes:?}");
        site.assert_addresses_have_unique_keys().await;
        let is_anns = email_of(&site, &ann).await == WANTED;
        assert_eq!(notices(&site).await, usize::from(is_anns || rival == Rival::Change));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_to_one_address_at_once_one_is_done() {
    let site = start().await;
    let mut tokens = Vec::new();
    for name in ["ann", "bob", "cat", "dan", "eve"] {
        let actor = site.signed_in(name).await;
        tokens.push(site.email_change_link(&actor, WANTED).await);
    }
    site.meet("TransactWriteItems", tokens.len());
    let outcomes = at_once(tokens.len(), |at| {
        let (site, token) = (site.clone(), tokens[at].clone());
        async move { use_link(&site, &token).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| [Ok(()), Err("unique")].contains(outcome)));
    assert_eq!(notices(&site).await, 1);
    site.assert_addresses_have_unique_keys().await;
}

/// The link was read before; the write itself has to see what has happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_stopped_or_asked_for_anew_while_its_link_is_used_is_not_done() {
    for is_stopped in [true, false] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let token = site.email_change_link(&ann, WANTED).await;
        let stop = site.mails_to(&ann.email()).await.pop().unwrap();
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let late = tokio::spawn({
            let (site, token) = (site.clone(), token.clone());
            async move { use_link(&site, &token).await }
        });
        gate.arrived(1).await;
        if is_stopped {
            site.accounts.cancel_email_change(&link_token(&stop)).await.unwrap();
        } else {
            site.change_email(&ann, OTHER).await.unwrap();
        }
        gate.open();
        assert_eq!(late.await.unwrap(), Err("invalid_token"), "{is_stopped}");
        assert_eq!(email_of(&site, &ann).await, ann.email());
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_used_twenty_times_at_once_works_once() {
    // Another address, and another spelling of the same one, which needs no unique key.
    for email in [WANTED, "Ann@example.com"] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let token = site.email_change_link(&ann, email).await;
        site.meet("TransactWriteItems", 20);
        let outcomes = at_once(20, |_| {
            let (site, token) = (site.clone(), token.clone());
            async move { use_link(&site, &token).await }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let refused = [Ok(()), Err("invalid_token")];
        assert!(outcomes.iter().all(|outcome| refused.contains(outcome)), "{outcomes:?}");
        assert_eq!(notices(&site).await, 1);
        assert_eq!(email_of(&site, &ann).await, email);
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_second_address_that_is_used_twice_at_once_is_used_and_not_taken() {
    let site = start().await;
    let ann = site.signed_in("ann").await;
    let token = second_address_link(&site, &ann, WANTED).await;
    site.meet("TransactWriteItems", 2);
    let outcomes =
        at_once(2, |_| {
            let (site, token) = (site.clone(), token.clone());
            async move {
                site.accounts.verify_secondary_email(&token).await.map_err(|error| error.code())
            }
        })
        .await;
    assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err("invalid_token")), "{outcomes:?}");
    site.assert_addresses_have_unique_keys().await;
}

/// Both have read the account before the change; the later writer must notice.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_change_and_a_reset_by_the_old_address_the_later_one_is_refused() {
    for is_reset_late in [true, false] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let reset = site.reset_link(&ann).await;
        let token = site.email_change_link(&ann, WANTED).await;
        let gate = Gate::new();
        site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
        let late = tokio::spawn({
            let (site, reset, token) = (site.clone(), reset.clone(), token.clone());
            async move {
                if is_reset_late {
                    let answer = site.reset_password(&reset, NEW_PASSWORD, NEW_PASSWORD).await;
                    failure_code(&answer).to_owned()
                } else {
                    use_link(&site, &token).await.err().unwrap_or_default().to_owned()
                }
            }
        });
        gate.arrived(1).await;
        if is_reset_late {
            use_link(&site, &token).await.unwrap();
        } else {
            let answer = site.reset_password(&reset, NEW_PASSWORD, NEW_PASSWORD).await;
            assert_eq!(answer["success"], true, "{answer}");
        }
        gate.open();
        assert_eq!(late.await.unwrap(), "invalid_token");
        assert_eq!(site.is_password(&ann, PASSWORD).await, is_reset_late);
        assert_eq!(email_of(&site, &ann).await == WANTED, is_reset_late);
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test]
async fn a_change_that_the_table_fails_is_done_wholly_or_not_at_all() {
    for fault in [Fault::Dropped, Fault::Throttled, Fault::InternalError, Fault::Rejected] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let token = site.email_change_link(&ann, WANTED).await;
        let before = site.dump().await;
        for operation in ["TransactWriteItems", "BatchGetItem", "GetItem"] {
            site.aws.faults().fail(operation, Times::Always, fault.clone());
            assert_eq!(use_link(&site, &token).await, Err("unavailable"), "{operation} {fault:?}");
            site.end_faults().await;
            assert_eq!(site.dump().await, before, "{operation} {fault:?}");
        }
        use_link(&site, &token).await.unwrap();
        site.assert_addresses_have_unique_keys().await;
        assert_eq!(site.mails_to(&ann.email()).await.len(), 3);
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_or_that_meets_others_is_done_once() {
    for (times, fault) in [(1, Fault::AnswerLost), (3, Fault::Conflict), (2, Fault::Throttled)] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let token = site.email_change_link(&ann, WANTED).await;
        site.aws.faults().fail("TransactWriteItems", Times::N(times), fault);
        use_link(&site, &token).await.unwrap();
        assert_eq!(notices(&site).await, 1);
        assert_eq!(
            site.item(&format!("EMAIL#{WANTED}"), "GUARD").await["user_id"],
            s(ann.user_id().to_string())
        );
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_asked_for_is_unavailable_and_mails_nothing() {
    for operation in ["GetItem", "TransactWriteItems"] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let caller = site.caller(&ann).await;
        let before = site.dump().await;
        site.aws.faults().fail(operation, Times::Always, Fault::Dropped);
        let outcome = site.accounts.change_email(&caller, WANTED, None, &Client::default()).await;
        assert_eq!(outcome.unwrap_err().code(), "unavailable", "{operation}");
        assert_eq!(site.dump().await, before);
    }
}
