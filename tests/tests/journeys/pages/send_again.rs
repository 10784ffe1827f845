//! A new link in place of an expired one, from its own token alone.

use axum::http::StatusCode;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site, forge};
use serde_json::{Value, json};

use super::{OTHER, PASSWORDLESS, assert_page, get, links, named, post};

const MAILED: &str = "Check your email";
const INVALID: &str = "This link is not valid";
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

async fn press(site: &Site, token: &str) -> journeys::Answer {
    post(site, &format!("/send-again/{token}"), "").await
}

/// Ann, who has not verified, and the expired token of her mail. The mailbox is empty.
async fn with_old_link() -> (Site, Actor, String) {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let token = site.link_token(&ann.email()).await;
    site.advance(WEEK);
    site.aws.mailbox().clear();
    (site, ann, token)
}

async fn assert_nothing_is_mailed(site: &Site, user: &Actor) {
    assert_eq!(site.mails_to(&user.email()).await.len(), 0);
}

#[tokio::test]
async fn the_new_link_does_what_the_old_one_was_for() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let links = links(&site).await;
    site.advance(SignedDuration::from_hours(8 * 24));
    site.aws.mailbox().clear();
    let form = format!("password={OTHER}&again={OTHER}");
    for (link, name, done) in [
        (&links[0], "ann", "Your address is confirmed"),
        (&links[1], "bob", "Your password is set"),
        (&links[2], "eve", "Your password is set"),
    ] {
        let (page, token) = link.rsplit_once('/').unwrap();
        assert_page(&press(&site, token).await, StatusCode::OK, MAILED);
        assert_eq!(site.mails_to(&named(name).email()).await.len(), 1, "{page}");
        let token = site.link_token(&named(name).email()).await;
        assert_page(&post(&site, &format!("{page}/{token}"), &form).await, StatusCode::OK, done);
    }
    // And the notice of a changed password.
    assert_eq!(site.mails_to(&named("bob").email()).await.len(), 2);
    assert_eq!(site.aws.mailbox().messages().len(), 4);
}

#[tokio::test]
async fn a_forged_token_sends_no_mail() {
    let (site, ann, token) = with_old_link().await;
    let (signed, _) = token.rsplit_once('.').unwrap();
    let mut claims = forge::payload(&token);
    claims["exp"] = json!(4_000_000_000_u32);
    let header = token.split('.').next().unwrap();
    let signature = token.rsplit('.').next().unwrap();
    let longer = format!("{header}.{}.{signature}", forge::part(claims.to_string()));
    let none =
        format!("{}.{}.", forge::part("{\"alg\":\"none\"}"), token.split('.').nth(1).unwrap());
    let before = site.dump().await;
    for forged in [
        "garbage",
        "%FF",
        &token[..token.len() - 2],
        &format!("{signed}.AAAA"),
        &longer,
        &none,
        &ann.access,
        &ann.refresh,
    ] {
        assert_page(&press(&site, forged).await, StatusCode::BAD_REQUEST, INVALID);
        let page = get(&site, &format!("/send-again/{forged}")).await;
        assert_page(&page, StatusCode::BAD_REQUEST, INVALID);
        let page = get(&site, &format!("/activate/{forged}")).await;
        assert!(!page.text.contains("send-again"), "{}", page.text);
    }
    assert_eq!(site.dump().await, before);
    assert_nothing_is_mailed(&site, &ann).await;
}

#[tokio::test]
async fn an_account_that_is_gone_or_banned_gets_no_mail_and_the_answer_is_the_same() {
    let (site, ann, token) = with_old_link().await;
    let sent = press(&site, &token).await.text;
    site.deliver_mail().await;
    site.aws.mailbox().clear();
    assert!(site.store.set_active(ann.user_id(), false).await.unwrap());
    assert_eq!(press(&site, &token).await.text, sent);
    assert_nothing_is_mailed(&site, &ann).await;
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    assert!(site.store.end_user(&user, None, &[]).await.unwrap());
    assert_eq!(press(&site, &token).await.text, sent);
    assert_nothing_is_mailed(&site, &ann).await;
}

#[tokio::test]
async fn a_user_who_has_verified_meanwhile_gets_no_mail_and_the_same_answer() {
    let (site, ann, token) = with_old_link().await;
    let sent = press(&site, &token).await.text;
    let newer = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&newer).await["success"], true);
    site.aws.mailbox().clear();
    assert_eq!(press(&site, &token).await.text, sent);
    assert_nothing_is_mailed(&site, &ann).await;
}

#[tokio::test]
async fn a_user_who_has_set_a_password_meanwhile_gets_no_mail_to_set_the_first_one() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let eve = site.sign_up_without_password("eve").await;
    let token = site.link_token(&eve.email()).await;
    assert_eq!(site.set_password(&token, PASSWORD, PASSWORD).await["success"], true);
    site.advance(WEEK);
    site.aws.mailbox().clear();
    assert_page(&press(&site, &token).await, StatusCode::OK, MAILED);
    assert_nothing_is_mailed(&site, &eve).await;
}

#[tokio::test]
async fn the_second_press_mails_another_link_and_the_first_that_is_used_verifies() {
    let (site, ann, token) = with_old_link().await;
    for _ in 0..2 {
        assert_page(&press(&site, &token).await, StatusCode::OK, MAILED);
    }
    let mails = site.mails_to(&ann.email()).await;
    let links: Vec<_> = mails.iter().map(journeys::link_token).collect();
    assert!(links.len() == 2 && links[0] != links[1], "{}", links.len());
    for (link, title) in links.iter().zip(["is confirmed", "was confirmed before"]) {
        let page = post(&site, &format!("/activate/{link}"), "").await;
        assert_page(&page, StatusCode::OK, &format!("Your address {title}"));
    }
}

#[tokio::test]
async fn an_address_that_is_not_the_accounts_any_more_gets_no_mail() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let reset = site.reset_link(&ann).await;
    let change = site.email_change_link(&ann, "ann@other.example").await;
    site.accounts.verify_new_email(&change).await.unwrap();
    site.deliver_mail().await;
    site.advance(WEEK);
    site.aws.mailbox().clear();
    assert_page(&press(&site, &reset).await, StatusCode::OK, MAILED);
    site.deliver_mail().await;
    assert_eq!(site.aws.mailbox().messages(), []);
}

const SECOND: &str = "ann@second.example";
const NEW: &str = "ann@new.example";

/// Ann, and the tokens of the links that give her a second address, and another first one.
async fn with_address_links() -> (Site, Actor, [String; 2]) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let second = second_link(&site, &ann).await;
    let first = site.email_change_link(&ann, NEW).await;
    (site, ann, [second, first])
}

async fn second_link(site: &Site, ann: &Actor) -> String {
    let document = format!(
        "mutation {{ sendSecondaryEmailActivation(email: \"{SECOND}\", password: \"{PASSWORD}\") \
         {{ success }} }}"
    );
    site.ask(ann, &document, Value::Null).await;
    site.link_token(SECOND).await
}

/// An hour later, with an empty mailbox.
fn later(site: &Site) {
    site.advance(SignedDuration::from_hours(1));
    site.aws.mailbox().clear();
}

/// Presses the button of each, and gives the addresses that mails went to.
async fn mailed(site: &Site, tokens: &[String]) -> Vec<String> {
    for token in tokens {
        assert_page(&press(site, token).await, StatusCode::OK, MAILED);
    }
    site.deliver_mail().await;
    site.aws.mailbox().messages().into_iter().flat_map(|mail| mail.to).collect()
}

#[tokio::test]
async fn a_link_for_another_address_is_sent_again_to_that_address() {
    let (site, _, tokens) = with_address_links().await;
    later(&site);
    for token in &tokens {
        let page = get(&site, &format!("/activate/{token}")).await;
        assert_page(&page, StatusCode::GONE, "This link is too old");
    }
    assert_eq!(mailed(&site, &tokens).await, [SECOND, NEW]);
    for address in [SECOND, NEW] {
        let link = site.link_token(address).await;
        let page = post(&site, &format!("/activate/{link}"), "").await;
        assert_page(&page, StatusCode::OK, "Your address is confirmed");
    }
}

#[tokio::test]
async fn a_link_for_another_address_ends_with_the_password_it_was_asked_for_with() {
    let (site, ann, tokens) = with_address_links().await;
    let reset = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&reset, OTHER, OTHER).await["success"], true);
    site.deliver_mail().await;
    later(&site);
    assert_eq!(mailed(&site, &tokens).await, [""; 0]);
}

#[tokio::test]
async fn a_link_for_another_address_is_sent_again_for_a_week_however_often() {
    let (site, _, tokens) = with_address_links().await;
    site.advance(WEEK - SignedDuration::from_hours(1));
    site.aws.mailbox().clear();
    assert_eq!(mailed(&site, &tokens).await, [SECOND, NEW]);
    let newer = [site.link_token(SECOND).await, site.link_token(NEW).await];
    later(&site);
    assert_eq!(mailed(&site, &tokens).await, [""; 0]);
    assert_eq!(mailed(&site, &newer).await, [""; 0]);
}

/// The owner of the mailbox of a removed address must not get the address back, by the used link or by another one.
#[tokio::test]
async fn an_address_that_the_account_has_given_up_does_not_come_back() {
    let (site, ann, [second, first]) = with_address_links().await;
    let (unused, second) = (second, second_link(&site, &ann).await);
    site.accounts.verify_secondary_email(&second).await.unwrap();
    let document =
        format!("mutation {{ removeSecondaryEmail(password: \"{PASSWORD}\") {{ success }} }}");
    let answer = site.ask(&ann, &document, Value::Null).await;
    assert_eq!(answer.json()["data"]["removeSecondaryEmail"]["success"], true, "{}", answer.text);
    site.deliver_mail().await;
    later(&site);
    assert_eq!(mailed(&site, &[second, unused, first]).await, [""; 0]);
}

#[tokio::test]
async fn a_first_address_that_was_taken_back_stays_so() {
    let (site, ann, [_, first]) = with_address_links().await;
    site.accounts.verify_new_email(&first).await.unwrap();
    let back = site.email_change_link(&ann, &ann.email()).await;
    site.accounts.verify_new_email(&back).await.unwrap();
    site.deliver_mail().await;
    later(&site);
    assert_eq!(mailed(&site, &[first]).await, [""; 0]);
}
