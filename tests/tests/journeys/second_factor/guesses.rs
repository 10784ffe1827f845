//! The limit of wrong codes: five in five minutes. Only these tests switch the limits of guessing on.

use std::sync::Arc;

use jiff::SignedDuration;
use journeys::{PASSWORD, Site, at_once};
use serde_json::Value;

use super::{Secured, done, first_step, log_in, refusal, second_step, step_up, with_ann};

const LIMITED: &[(&str, &str)] = &[("THROTTLE", "on")];
const WRONG: &str = "0000-0000-0000-0000";

/// The error of a second step.
async fn failure(site: &Site, challenge: &str, code: &str, headers: &[(&str, &str)]) -> Value {
    let answer = second_step(site, challenge, code, headers).await.json();
    answer["data"]["it"]["errors"]["nonFieldErrors"][0].clone()
}

/// C10: after five wrong codes, Latchkey does not accept the right one for five minutes. The owner gets a mail, because
/// an attacker knows the password. Another log-in challenge does not end the lock.
#[tokio::test]
async fn after_five_wrong_codes_the_right_one_waits_and_the_owner_gets_a_mail() {
    let site = Site::with(LIMITED).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let before = site.mails_to("ann@example.com").await.len();
    for _ in 0..5 {
        let challenge = first_step(&site, "ann", &[]).await;
        assert_eq!(failure(&site, &challenge, WRONG, &[]).await["code"], "invalid_otp");
    }
    let challenge = first_step(&site, "ann", &[]).await;
    let refused = failure(&site, &challenge, &phone.next(&site), &[]).await;
    assert_eq!(refused["code"], "throttled", "{refused}");
    assert!(refused["retryAfter"].as_u64().unwrap() > 200, "{refused}");
    assert_eq!(site.mails_to("ann@example.com").await.len(), before + 1);
    site.advance(SignedDuration::from_mins(5));
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// C10, B6: 100 wrong codes without a right one lock the second step for thirty days, also after a new password, but
/// not on a known device.
#[tokio::test]
async fn after_a_hundred_wrong_codes_the_second_step_is_locked_for_thirty_days() {
    const DAYS: i64 = 24 * 60 * 60;
    let site = Site::with(LIMITED).await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let opened = second_step(&site, &challenge, &phone.next(&site), &[]).await;
    let device = opened.headers["x-device"].to_str().unwrap().to_owned();
    for round in 1..=20 {
        let challenge = first_step(&site, "ann", &[]).await;
        for _ in 0..5 {
            assert_eq!(failure(&site, &challenge, "wrong", &[]).await["code"], "invalid_otp");
        }
        let refused = failure(&site, &challenge, &phone.next(&site), &[]).await;
        assert_eq!(refused["code"], "throttled", "{round} {refused}");
        let wait = refused["retryAfter"].as_i64().unwrap();
        assert_eq!(wait > 29 * DAYS, round == 20, "{round} {refused}");
        if round < 20 {
            site.advance(SignedDuration::from_mins(5));
        }
    }
    let locked = site.now();
    site.advance(SignedDuration::from_hours(24));
    let known = [("x-device", device.as_str())];
    let challenge = first_step(&site, "ann", &known).await;
    let opened = second_step(&site, &challenge, &phone.next(&site), &known).await.json();
    assert_eq!(opened["data"]["it"]["success"], true, "{opened}");
    let reset = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&reset, PASSWORD, PASSWORD).await["success"], true);
    let challenge = first_step(&site, "ann", &[]).await;
    let refused = failure(&site, &challenge, &phone.next(&site), &[]).await;
    assert_eq!(refused["code"], "throttled", "{refused}");
    site.advance(SignedDuration::from_hours(24 * 30) - site.now().duration_since(locked));
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// C10: the limit holds for attempts at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_wrong_codes_at_once_five_are_compared() {
    let site = Arc::new(Site::with(LIMITED).await);
    with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let answers = at_once(20, |_| {
        let (site, challenge) = (site.clone(), challenge.clone());
        async move { failure(&site, &challenge, WRONG, &[]).await }
    });
    let answers = answers.await;
    let compared = answers.iter().filter(|error| error["code"] == "invalid_otp").count();
    let throttled = answers.iter().filter(|error| error["code"] == "throttled").count();
    assert_eq!((compared, throttled), (5, 15), "{answers:?}");
}

/// C10: an attacker who knows the password does not lock the owner out of a known device.
#[tokio::test]
async fn the_codes_of_a_known_device_are_counted_apart() {
    let site = Site::with(LIMITED).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let opened = second_step(&site, &challenge, &phone.next(&site), &[]).await;
    let device = opened.headers["x-device"].to_str().unwrap().to_owned();
    let known = [("x-device", device.as_str())];
    let challenge = first_step(&site, "ann", &[]).await;
    for _ in 0..5 {
        assert_eq!(failure(&site, &challenge, WRONG, &[]).await["code"], "invalid_otp");
    }
    assert_eq!(failure(&site, &challenge, &phone.next(&site), &[]).await["code"], "throttled");
    // The log-in challenge decides which count an attempt belongs to. The header of the second step has no effect.
    let refused = failure(&site, &challenge, &phone.next(&site), &known).await;
    assert_eq!(refused["code"], "throttled");
    let challenge = first_step(&site, "ann", &known).await;
    let opened = second_step(&site, &challenge, &phone.next(&site), &known).await.json();
    assert_eq!(opened["data"]["it"]["success"], true, "{opened}");
}

/// C10: five wrong codes in a session lock the step-up of that session, and nothing else. A right code resets the
/// count.
#[tokio::test]
async fn wrong_codes_in_a_session_are_counted_in_that_session() {
    let site = Site::with(LIMITED).await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let wrong = format!("stepUp(code: \"{WRONG}\")");
    for _ in 0..4 {
        assert_eq!(refusal(&site, &ann, &wrong).await, "invalid_otp");
    }
    let ann = step_up(&site, &ann, &phone.next(&site)).await;
    for _ in 0..5 {
        assert_eq!(refusal(&site, &ann, &wrong).await, "invalid_otp");
    }
    let call = format!("stepUp(code: \"{}\")", phone.next(&site));
    assert_eq!(refusal(&site, &ann, &call).await, "throttled");
    let other = log_in(&site, "ann", &phone.next(&site)).await;
    step_up(&site, &other, &phone.next(&site)).await;
}

/// Latchkey also counts the first codes of a new app. Only the caller has the secret of the setup, but an attempt costs
/// hashes.
#[tokio::test]
async fn wrong_first_codes_of_an_app_are_counted() {
    let site = Site::with(LIMITED).await;
    let ann = site.signed_in("ann").await;
    let setup = done(&site, &ann, "beginApp", "setup").await["setup"].clone();
    let call = format!("addApp(setup: {setup}, code: \"123\")");
    for _ in 0..5 {
        assert_eq!(refusal(&site, &ann, &call).await, "invalid_otp");
    }
    assert_eq!(refusal(&site, &ann, &call).await, "throttled");
}
