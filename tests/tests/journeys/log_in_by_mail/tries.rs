//! Wrong codes: five in ten minutes, however many mails there are. Only these tests have the limits of guessing on.

use std::sync::Arc;

use jiff::SignedDuration;
use journeys::{Site, at_once};

use super::{ANN, MINUTE, another, ask, log_in, logged_in, refusal, try_code};

const LIMITED: &[(&str, &str)] = &[("THROTTLE", "on")];

/// C18: a further mail, of the same browser or of another one, gives no further tries.
#[tokio::test]
async fn all_mails_to_an_address_share_five_tries() {
    let site = Site::with(LIMITED).await;
    site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let id = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    for _ in 0..4 {
        assert_eq!(refusal(&site, &id, &another(&code)).await, "invalid_otp");
    }
    site.advance(MINUTE);
    let other = ask(&site, ANN).await;
    let theirs = site.code(ANN).await;
    assert_eq!(refusal(&site, &other, &another(&theirs)).await, "invalid_otp");
    for (id, code) in [(&id, &code), (&other, &theirs)] {
        assert_eq!(refusal(&site, id, code).await, "throttled");
    }
    site.advance(MINUTE * 10);
    let id = ask(&site, ANN).await;
    logged_in(&site, "ann", &id, &site.code(ANN).await).await;
}

/// C18: an input that cannot be a code is no try.
#[tokio::test]
async fn a_slip_is_no_try_and_a_right_code_ends_the_count() {
    let site = Site::with(LIMITED).await;
    site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let id = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    for _ in 0..4 {
        assert_eq!(refusal(&site, &id, &code[..5]).await, "invalid_otp");
        assert_eq!(refusal(&site, &id, &another(&code)).await, "invalid_otp");
    }
    logged_in(&site, "ann", &id, &code).await;
    site.advance(MINUTE);
    let id = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    for _ in 0..4 {
        assert_eq!(refusal(&site, &id, &another(&code)).await, "invalid_otp");
    }
    logged_in(&site, "ann", &id, &code).await;
}

/// C18: the limit holds for tries at once, with the ids of many requests.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_wrong_codes_at_once_five_are_compared() {
    let site = Arc::new(Site::with(LIMITED).await);
    site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let ids = Arc::new([ask(&site, ANN).await, ask(&site, ANN).await]);
    let code = another(&site.code(ANN).await);
    let answers = at_once(20, |number| {
        let (site, ids, code) = (site.clone(), ids.clone(), code.clone());
        async move { refusal(&site, &ids[number % 2], &code).await }
    });
    let answers = answers.await;
    let of = |code: &str| answers.iter().filter(|answer| *answer == code).count();
    assert_eq!((of("invalid_otp"), of("throttled")), (5, 15), "{answers:?}");
}

/// C18: a stranger who uses up the tries does not lock the owner out: neither on a known device, nor by the link.
#[tokio::test]
async fn strangers_use_up_neither_the_tries_of_a_known_device_nor_the_link() {
    let site = Site::with(LIMITED).await;
    site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let id = ask(&site, ANN).await;
    let opened = try_code(&site, &id, &site.code(ANN).await, &[]).await;
    let device = opened.headers["x-device"].to_str().unwrap().to_owned();
    site.advance(MINUTE);
    let strangers = ask(&site, ANN).await;
    let wrong = another(&site.code(ANN).await);
    for _ in 0..5 {
        assert_eq!(refusal(&site, &strangers, &wrong).await, "invalid_otp");
    }
    site.advance(MINUTE);
    let id = ask(&site, ANN).await;
    let (code, link) = (site.code(ANN).await, site.link_token(ANN).await);
    assert_eq!(refusal(&site, &id, &code).await, "throttled");
    let known = try_code(&site, &id, &code, &[("x-device", &device)]).await.json();
    assert_eq!(known["data"]["it"]["success"], true, "{known}");
    site.advance(MINUTE);
    let id = ask(&site, ANN).await;
    let link_of_it = site.link_token(ANN).await;
    assert_ne!(link_of_it, link);
    logged_in(&site, "ann", &id, &link_of_it).await;
}

/// A thief's device is no device of the user's any more after the user has ended all sessions by another password.
#[tokio::test]
async fn a_new_password_ends_the_own_tries_of_all_devices() {
    let site = Site::with(LIMITED).await;
    let ann = site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let id = ask(&site, ANN).await;
    let opened = try_code(&site, &id, &site.code(ANN).await, &[]).await;
    let device = opened.headers["x-device"].to_str().unwrap().to_owned();
    let other = "another horse battery staple";
    let changed = site.change_password(&ann, journeys::PASSWORD, other, other).await;
    assert_eq!(changed["success"], true, "{changed}");
    site.advance(MINUTE);
    let strangers = ask(&site, ANN).await;
    let code = site.code(ANN).await;
    for _ in 0..5 {
        assert_eq!(refusal(&site, &strangers, &another(&code)).await, "invalid_otp");
    }
    let known = try_code(&site, &strangers, &code, &[("x-device", &device)]).await.json();
    let error = &known["data"]["it"]["errors"]["nonFieldErrors"][0];
    assert_eq!(error["code"], "throttled", "{known}");
}

/// C18: twenty wrong codes in a day lock for a day, so that patience does not help.
#[tokio::test]
async fn twenty_wrong_codes_in_a_day_lock_the_codes_of_the_address_for_a_day() {
    let site = Site::with(LIMITED).await;
    site.signed_in("ann").await;
    site.advance(MINUTE * 2);
    let mut tried = 0;
    for _ in 0..4 {
        let id = ask(&site, ANN).await;
        let wrong = another(&site.code(ANN).await);
        for _ in 0..5 {
            assert_eq!(refusal(&site, &id, &wrong).await, "invalid_otp", "{tried}");
            tried += 1;
        }
        site.advance(MINUTE * 16);
    }
    let id = ask(&site, ANN).await;
    let answer = log_in(&site, &id, &site.code(ANN).await).await;
    let error = &answer["errors"]["nonFieldErrors"][0];
    assert_eq!(error["code"], "throttled", "{answer}");
    assert!(error["retryAfter"].as_i64().unwrap() > 3600, "{answer}");
    site.advance(SignedDuration::from_hours(24));
    let id = ask(&site, ANN).await;
    logged_in(&site, "ann", &id, &site.code(ANN).await).await;
}

/// C20: a mailbox gets no more mails than the limits of links say, from any caller: one a minute, five an hour.
#[tokio::test]
async fn a_mailbox_gets_one_such_mail_a_minute_and_five_an_hour() {
    let site = Site::with(LIMITED).await;
    site.signed_in("ann").await;
    site.advance(SignedDuration::from_hours(1));
    let before = site.mails_to(ANN).await.len();
    for _ in 0..3 {
        ask(&site, ANN).await;
    }
    assert_eq!(site.mails_to(ANN).await.len(), before + 1);
    for _ in 0..12 {
        site.advance(MINUTE);
        site.clean_up().await;
        ask(&site, ANN).await;
        site.deliver_mail().await;
    }
    assert_eq!(site.mails_to(ANN).await.len(), before + 5);
}
