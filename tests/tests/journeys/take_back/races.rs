//! The former address takes the account back, while others write.

use std::sync::Arc;

use embedded::{Fault, Gate, Times};
use journeys::{Site, at_once};

use super::{EVIL, EVIL_TOO, OLD, RESTORE, change, emails, mailed};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_takes_back_works_once_however_often_it_is_used_at_once() {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    change(&site, &ann, EVIL).await;
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    site.meet("TransactWriteItems", 5);
    let outcomes = at_once(5, |_| {
        let (site, token) = (site.clone(), token.clone());
        async move { site.accounts.restore_email(&token).await.is_ok() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|done| **done).count(), 1);
    site.assert_addresses_have_unique_keys().await;
}

/// The attacker writes while the owner takes back; the owner looks again, and is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_same_moment_does_not_keep_the_owner_from_taking_back() {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    change(&site, &ann, EVIL).await;
    let token = mailed(&site, OLD, RESTORE).await.unwrap();
    let theirs = site.email_change_link(&ann, EVIL_TOO).await;
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
    let late = tokio::spawn({
        let (site, token) = (site.clone(), token.clone());
        async move { site.accounts.restore_email(&token).await.map(drop) }
    });
    gate.arrived(1).await;
    site.accounts.verify_new_email(&theirs).await.unwrap();
    gate.open();
    late.await.unwrap().unwrap();
    assert_eq!(emails(&site, &ann).await, (Some(OLD.to_owned()), None));
    site.assert_over(&ann).await;
    site.assert_addresses_have_unique_keys().await;
}
