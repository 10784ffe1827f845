//! The two mails of a change of address: a link to the new one, a notice to the old one.

use jiff::SignedDuration;
use journeys::{Actor, BASE_URL, Site, link_token};

const OLD: &str = "ann@example.com";
const NEW: &str = "ann.lee@new.example";

async fn with_ann() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    (site, ann)
}

async fn change(site: &Site, actor: &Actor) {
    let token = site.email_change_link(actor, NEW).await;
    site.accounts.verify_new_email(&token).await.unwrap();
}

#[tokio::test]
async fn the_mail_to_the_new_address_has_its_link_in_both_parts_and_no_code() {
    let (site, ann) = with_ann().await;
    site.change_email(&ann, NEW).await.unwrap();
    let mails = site.mails_to(NEW).await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    let link = format!("{BASE_URL}/activate/{}", link_token(mail));
    assert_eq!(mail.subject, "Confirm your new address on Example");
    let expected = format!(
        "Example\n\nHello ann!\n\nPlease confirm that this is your new address. Until you \
         do, your account keeps the old one:\n\n{link}\n\nIf you do not have an account on Example, you \
         need not do anything."
    );
    assert_eq!(mail.text.as_deref(), Some(expected.as_str()));
    let html = mail.html.as_deref().unwrap();
    assert_eq!(html.matches(&link).count(), 2, "{html}");
    for part in [
        "<title>Confirm your new address on Example</title>",
        "Hello ann!",
        "Please confirm that this is your new address.",
        ">Confirm my address</a>",
        "If you do not have an account on Example",
    ] {
        assert!(html.contains(part), "{html}");
    }
}

#[tokio::test]
async fn the_old_address_gets_a_notice_with_a_take_back_link_and_without_the_new_address() {
    let (site, ann) = with_ann().await;
    change(&site, &ann).await;
    let mail = site.mails_to(OLD).await.pop().unwrap();
    assert_eq!(mail.subject, "Your address on Example was changed");
    let link = format!("{BASE_URL}/restore-email/{}", link_token(&mail));
    let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
    let expected = format!(
        "Example\n\nHello ann!\n\nThe address of your account was changed to a***@new.example. From now on, \
         mail goes there and no longer to this address. If it was not you who changed it, somebody else has \
         access to your account. For seven days, you can take it back:\n\n{link}\n\nThat makes this address \
         the only one of your account, logs out all devices, and lets you choose a new password. If it was you \
         who changed the address, you need not do anything."
    );
    assert_eq!(text, expected);
    assert_eq!(html.matches(&link).count(), 2, "{html}");
    for part in [&text, &html] {
        for grants in [NEW, "ann.lee"] {
            assert!(!part.contains(grants), "{grants}: {part}");
        }
    }
    assert_eq!(site.mails_to(NEW).await.len(), 1);
}

#[tokio::test]
async fn a_notice_goes_out_however_late_and_to_a_banned_user_too() {
    let (site, ann) = with_ann().await;
    change(&site, &ann).await;
    site.store.set_active(ann.user_id(), false).await.unwrap();
    // The stream has given it up by then.
    site.advance(SignedDuration::from_hours(6 * 24));
    site.clean_up().await;
    let result = site.mails_to(OLD).await.pop().unwrap();
    assert_eq!(result.subject, "Your address on Example was changed");
}

#[tokio::test]
async fn a_notice_to_a_user_who_is_gone_is_not_sent() {
    let (site, ann) = with_ann().await;
    change(&site, &ann).await;
    let caller = site.caller(&ann).await;
    assert!(site.store.end_user(&caller.user, None, &[]).await.unwrap());
    assert_eq!(site.mails_to(OLD).await.len(), 2, "the mails of before");
    let mut states = site.mail_states().await;
    states.sort();
    assert_eq!(states, ["dropped", "sent", "sent", "sent"]);
    site.store.erase_user(&caller.user).await.unwrap();
    site.assert_addresses_have_unique_keys().await;
}

#[tokio::test]
async fn a_link_that_is_over_is_not_sent() {
    let (site, ann) = with_ann().await;
    site.change_email(&ann, NEW).await.unwrap();
    site.advance(SignedDuration::from_secs(3600));
    assert_eq!(site.mails_to(NEW).await.len(), 0);
}

/// The link needs its mail, which the table keeps for a week at the least.
#[tokio::test]
async fn a_link_is_good_for_as_long_as_its_setting_says() {
    // As long as the session of the request is alive.
    let site = Site::with(&[
        ("EXPIRATION_EMAIL_CHANGE_TOKEN", "864000"),
        ("REFRESH_TOKEN_LIFETIME", "864000"),
    ])
    .await;
    let ann = site.signed_in("ann").await;
    let link = site.email_change_link(&ann, "new@example.org").await;
    site.advance(SignedDuration::from_hours(9 * 24));
    site.clean_up().await;
    site.aws.sweep_ttl().await.unwrap();
    site.accounts.confirm_address(&link).await.unwrap();
}
