//! A code works once, even if many requests have it at the same time.

use std::sync::Arc;

use journeys::{Site, at_once};
use serde_json::{Value, json};

use super::{STEP, Secured, first_step, log_in, second_step, second_step_refusal, with_ann};

/// C9: Latchkey stores the last accepted time step. So no code works twice, and no code of an earlier step works.
#[tokio::test]
async fn a_code_of_the_app_works_once_and_none_from_before_it() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let before = phone.next(&site);
    let now = phone.next(&site);
    log_in(&site, "ann", &now).await;
    let challenge = first_step(&site, "ann", &[]).await;
    for used in [&now, &before] {
        assert_eq!(second_step_refusal(&site, &challenge, used).await, "invalid_otp");
    }
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// C9: the codes of the present time step and of the step before it are valid, and no others.
#[tokio::test]
async fn a_code_counts_for_its_half_minute_and_for_the_next_one() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let late = phone.next(&site);
    site.advance(STEP);
    log_in(&site, "ann", &late).await;
    let later = phone.next(&site);
    site.advance(STEP * 2);
    let challenge = first_step(&site, "ann", &[]).await;
    assert_eq!(second_step_refusal(&site, &challenge, &later).await, "invalid_otp");
    site.advance(STEP * 10);
    let early = phone.code(&site);
    site.advance(-STEP);
    assert_eq!(second_step_refusal(&site, &challenge, &early).await, "invalid_otp");
}

/// Each request has its own log-in challenge, so that only the code is the same. Returns the number of the log-ins that
/// succeeded.
async fn times_of_twenty(site: &Arc<Site>, code: &str) -> usize {
    let mut challenges = Vec::new();
    for _ in 0..20 {
        challenges.push(first_step(site, "ann", &[]).await);
    }
    let answers = at_once(20, |number| {
        let (site, challenge, code) = (site.clone(), challenges[number].clone(), code.to_owned());
        async move { second_step(&site, &challenge, &code, &[]).await.json() }
    });
    let answers = answers.await;
    let refused = answers.iter().filter(|answer| answer["data"]["it"]["success"] == false);
    for answer in refused {
        assert_eq!(journeys::failure_code(&answer["data"]["it"]), "invalid_otp", "{answer}");
    }
    answers.iter().filter(|answer| answer["data"]["it"]["success"] == true).count()
}

/// C9: of twenty log-ins with one code at the same time, one succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_log_ins_at_once_with_one_code_of_the_app_one_succeeds() {
    let site = Arc::new(Site::start().await);
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let sessions = site.sessions(&ann).await.len();
    assert_eq!(times_of_twenty(&site, &phone.next(&site)).await, 1);
    assert_eq!(site.sessions(&ann).await.len(), sessions + 1);
}

/// C11: the same for a recovery code.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_log_ins_at_once_with_one_recovery_code_one_succeeds() {
    let site = Arc::new(Site::start().await);
    let Secured { ann, recovery_codes, .. } = with_ann(&site).await;
    let sessions = site.sessions(&ann).await.len();
    assert_eq!(times_of_twenty(&site, &recovery_codes[0]).await, 1);
    assert_eq!(site.sessions(&ann).await.len(), sessions + 1);
    let me = site.ask(&ann, "{ me { recoveryCodesLeft } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"]["recoveryCodesLeft"], 9);
}

/// C2: a log-in challenge opens one session, even with another right code.
#[tokio::test(flavor = "multi_thread")]
async fn of_ten_recovery_codes_at_once_for_one_challenge_one_opens_a_session() {
    let site = Arc::new(Site::start().await);
    let Secured { ann, recovery_codes, .. } = with_ann(&site).await;
    let sessions = site.sessions(&ann).await.len();
    let challenge = first_step(&site, "ann", &[]).await;
    let answers = at_once(4, |number| {
        let (site, challenge) = (site.clone(), challenge.clone());
        let code = recovery_codes[number].clone();
        async move { second_step(&site, &challenge, &code, &[]).await.json() }
    });
    let answers = answers.await;
    let opened = answers.iter().filter(|answer| answer["data"]["it"]["success"] == true).count();
    assert_eq!(opened, 1, "{answers:?}");
    assert_eq!(site.sessions(&ann).await.len(), sessions + 1);
    let me = site.ask(&ann, "{ me { recoveryCodesLeft } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"]["recoveryCodesLeft"], 9);
}

/// C11: the use of a recovery code causes a mail and an event.
#[tokio::test]
async fn the_use_of_a_recovery_code_is_mailed() {
    let site = Site::start().await;
    let Secured { recovery_codes, .. } = with_ann(&site).await;
    let before = site.mails_to("ann@example.com").await.len();
    let ann = log_in(&site, "ann", &recovery_codes[0]).await;
    let mails = site.mails_to("ann@example.com").await;
    assert_eq!(mails.len(), before + 1);
    let activity = site.activity(&ann).await["events"].clone();
    let mut used = activity.as_array().unwrap().iter();
    let used = used.find(|event| event["event"] == "recovery_code_used").unwrap();
    assert_eq!((&used["count"], &used["factor"]), (&json!(9), &json!("recovery_code")));
}
