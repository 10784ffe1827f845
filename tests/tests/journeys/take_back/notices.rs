//! The mails to an address that an account leaves.

use jiff::SignedDuration;
use journeys::PASSWORD;
use serde_json::json;

use super::{EVIL, EVIL_PASSWORD, OLD, add_second, subjects, with_ann, with_password};

/// The long way round: a second address, swapped, and the first one removed.
#[tokio::test]
pub(crate) async fn each_step_that_moves_an_account_to_another_address_sends_a_notice() {
    let (site, ann) = with_ann().await;
    site.mails_to(OLD).await;
    site.aws.mailbox().clear();
    add_second(&site, &ann, EVIL, PASSWORD).await;
    with_password(&site, &ann, "swapEmails", PASSWORD).await;
    with_password(&site, &ann, "removeSecondaryEmail", PASSWORD).await;
    let done = site.change_password(&ann, PASSWORD, EVIL_PASSWORD, EVIL_PASSWORD).await;
    let ann = ann.with_tokens(&done);
    with_password(&site, &ann, "archiveAccount", EVIL_PASSWORD).await;
    let expected = [
        "A second address was asked for on Example",
        "Your account on Example has a second address",
        "Your address on Example was changed",
        "This address was removed from your account on Example",
        "Your password on Example was changed",
        "Your account on Example was archived",
    ];
    assert_eq!(subjects(&site, OLD).await, expected);
    let expected = [
        "Confirm your second address on Example",
        "Your addresses on Example were swapped",
        "Your password on Example was changed",
        "Your account on Example was archived",
    ];
    assert_eq!(subjects(&site, EVIL).await, expected);
    // A week later, the address has nothing to do with the account any more.
    site.advance(SignedDuration::from_hours(7 * 24));
    let again = site.token_auth(json!({ "username": "ann", "password": EVIL_PASSWORD })).await;
    let ann = ann.with_tokens(&again);
    site.change_password(&ann, EVIL_PASSWORD, PASSWORD, PASSWORD).await;
    assert_eq!(subjects(&site, OLD).await.len(), 6);
}

#[tokio::test]
pub(crate) async fn an_owner_who_makes_the_account_inactive_gets_a_notice() {
    let (site, ann) = with_ann().await;
    with_password(&site, &ann, "deleteAccount", PASSWORD).await;
    assert_eq!(subjects(&site, OLD).await.pop().unwrap(), "Your account on Example was deleted");
}
