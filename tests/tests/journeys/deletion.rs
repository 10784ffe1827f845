//! `ALLOW_DELETE_ACCOUNT=true`: deleting for good leaves nothing that names the user.

use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::Value;

use crate::pictures::files::png;

const FOR_GOOD: &[(&str, &str)] = &[("ALLOW_DELETE_ACCOUNT", "true"), ("THROTTLE", "on")];
const SECOND_ADDRESS: &str = "ann@second.example";

/// Ann, with all that an account can have: two addresses, sessions, mails that were sent or wait, a code, slots of
/// her mails, a picture.
async fn ann(site: &Site) -> Actor {
    let ann = site.signed_in("ann").await;
    site.set_picture(&ann, png()).await.unwrap();
    site.advance(SignedDuration::from_mins(2));
    let arguments = format!("email: \"{SECOND_ADDRESS}\", password: \"{PASSWORD}\"");
    let ask = format!("mutation {{ sendSecondaryEmailActivation({arguments}) {{ success }} }}");
    site.ask(&ann, &ask, Value::Null).await;
    let link = site.link_token(SECOND_ADDRESS).await;
    site.accounts.confirm_address(&link).await.unwrap();
    site.advance(SignedDuration::from_mins(2));
    site.change_email(&ann, "ann@third.example").await.unwrap();
    site.deliver_mail().await;
    site.log_in(&ann).await;
    site.send_password_reset(&ann.email()).await;
    site.log_in(&ann).await
}

async fn delete(site: &Site, actor: &Actor) -> bool {
    let document = format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") {{ success }} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["deleteAccount"]["success"] == true
}

/// The owner gets a notice of the end. That mail is kept for a week, as every mail is.
fn tells_of_the_end(item: &str) -> bool {
    item.contains("S(\"account_deleted\")")
}

/// The slots of mails are kept for an hour, beside an address that does not belong to the user (any more).
fn counts_mails(item: &str) -> bool {
    item.contains("\"kind\": S(\"bookings\")")
}

/// The items that name the user, by id, name or address.
async fn named(site: &Site, actor: &Actor) -> Vec<String> {
    let mut left = site.dump_without_trail().await;
    left.retain(|item| !tells_of_the_end(item));
    left.retain(|item| !(counts_mails(item) && item.contains("EMAIL#ann@third.example")));
    let names = [actor.user_id().to_string(), actor.email(), SECOND_ADDRESS.to_owned()];
    left.retain(|item| names.iter().any(|name| item.contains(name)) || item.contains("\"ann\""));
    left
}

#[tokio::test]
async fn deleting_for_good_leaves_nothing_that_names_the_user() {
    let site = Site::with(FOR_GOOD).await;
    let bob = site.signed_in("bob").await;
    let ann = ann(&site).await;
    assert!(named(&site, &ann).await.len() > 10);
    assert!(delete(&site, &ann).await);
    let left = named(&site, &ann).await;
    assert!(left.is_empty(), "{left:#?}");
    // The audit trail keeps the id, and no name or address.
    let trail = site.dump().await;
    assert!(trail.iter().any(|item| item.contains("S(\"deleted\")")), "{trail:#?}");
    let result = [ann.email(), SECOND_ADDRESS.to_owned(), "\"ann\"".to_owned()];
    let of_ann = trail.iter().filter(|item| item.contains("\"pk\": S(\"AUDIT#"));
    assert!(!of_ann.into_iter().any(|item| result.iter().any(|text| item.contains(text))));
    assert_eq!(site.objects().await, [""; 0]);
    site.assert_over(&ann).await;
    assert_eq!(site.me(&bob).await.as_deref(), Some("bob"));
    // Items that may remain: ids of used links, and the slots of an address that she asked for.
    assert_eq!(site.clean_up().await.accounts, 0);
    assert!(site.deliver_mail().await.retrying == 0);
    let again = site.register(&ann.email(), "ann", PASSWORD, PASSWORD).await;
    assert_eq!(again["success"], true, "{again}");
}

#[tokio::test]
async fn a_deletion_that_breaks_off_ends_the_account_at_once_and_is_finished_by_the_clean_up() {
    for (operation, calls) in
        [("s3:DeleteObject", 0), ("Query", 0), ("Query", 2), ("DeleteItem", 0), ("DeleteItem", 5)]
    {
        let site = Site::with(FOR_GOOD).await;
        let ann = ann(&site).await;
        site.aws.faults().fail(operation, Times::N(calls), Fault::Pass);
        site.aws.faults().fail(operation, Times::Always, Fault::Rejected);
        assert!(delete(&site, &ann).await, "{operation} {calls}");
        site.end_faults().await;

        site.assert_over(&ann).await;
        let again = site.register(&ann.email(), "ann", PASSWORD, PASSWORD).await;
        assert_eq!(again["success"], true, "{operation} {calls}: {again}");
        let anew = Actor { name: "ann".to_owned(), ..Actor::default() }.with_tokens(&again);
        assert_eq!(site.clean_up().await.accounts, 1, "{operation} {calls}");
        let id = ann.user_id().to_string();
        let mut left = site.dump_without_trail().await;
        left.retain(|item| item.contains(&id) && !tells_of_the_end(item) && !counts_mails(item));
        assert!(left.is_empty(), "{operation} {calls}: {left:#?}");
        assert_eq!(site.objects().await, [""; 0]);
        assert_eq!(site.me(&anew).await.as_deref(), Some("ann"));
        let [guards, accounts] = site.owners().await;
        assert_eq!(guards, accounts);
    }
}

#[tokio::test]
async fn an_account_that_is_only_made_inactive_keeps_what_it_has() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let before = site.dump_without_trail().await.len();
    assert!(delete(&site, &ann).await);
    site.clean_up().await;
    assert_eq!(site.dump_without_trail().await.len(), before + 1, "and the mail that tells of it");
    let taken = site.register(&ann.email(), "ann", PASSWORD, PASSWORD).await;
    assert_eq!(taken["success"], false);
}
