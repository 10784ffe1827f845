//! Strangers who sign up with an address use up their share of its mails, and not that of its owner.

use accounts::model::{Client, PlainPassword};
use jiff::SignedDuration;
use journeys::{PASSWORD, Site};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const WANTED: &str = "wanted@example.com";

/// How many mails have arrived at the address since the last look.
async fn arrived(site: &Site) -> usize {
    site.deliver_mail().await;
    site.clean_up().await;
    let count = site.mails_to(WANTED).await.len();
    site.aws.mailbox().clear();
    count
}

/// A concealing site on which strangers have signed up with the address again and again. Each of the sign-ups has a
/// mail of its own.
async fn after_a_flood() -> Site {
    let site = Site::with(&[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")]).await;
    for number in 0..40 {
        let name = format!("eve{number}");
        let answer = site.register(WANTED, &name, PASSWORD, PASSWORD).await;
        assert_eq!(answer["success"], true);
        site.deliver_mail().await;
    }
    site
}

#[tokio::test]
async fn a_user_adds_an_address_with_which_strangers_sign_up_again_and_again() {
    let site = after_a_flood().await;
    let ann = site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    site.clean_up().await;
    site.aws.mailbox().clear();
    let caller = site.caller(&ann).await;
    let password = PlainPassword::new(PASSWORD);
    let client = Client::default();
    let asked = site.accounts.send_secondary_email_activation(&caller, WANTED, password, &client);
    asked.await.unwrap();
    let mut waited = 0;
    let is_there = async || {
        site.deliver_mail().await;
        site.clean_up().await;
        let mails = site.mails_to(WANTED).await;
        mails.iter().any(|mail| mail.subject.contains("second address"))
    };
    while !is_there().await {
        waited += 1;
        assert!(waited < 5, "minutes");
        site.advance(MINUTE);
    }
}

#[tokio::test]
async fn the_owner_of_an_address_gets_a_reset_after_strangers_signed_up_with_it_again_and_again() {
    let site = after_a_flood().await;
    let link = site.link_token(WANTED).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    site.advance(MINUTE * 3);
    arrived(&site).await;
    for _ in 0..40 {
        site.send_password_reset(WANTED).await;
    }
    site.advance(MINUTE * 2);
    assert!(arrived(&site).await > 0, "no mail to the owner");
}
