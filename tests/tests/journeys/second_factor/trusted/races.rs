//! Trusted devices, with requests at the same time.

use std::sync::Arc;

use accounts::error::AuthError;
use accounts::model::{Client, Session};
use embedded::{Fault, Gate, Times};
use journeys::{PASSWORD, Site, at_once};

use super::super::done;
use super::{TRUSTING, browser, challenge, devices, is_trusted, log_in, trusting};
use crate::passkeys::browser::Browser;
use crate::passkeys::with_passkey;

/// Each trust is in the list, unless a later one has replaced it. None is lost, and there are never more than ten.
#[tokio::test(flavor = "multi_thread")]
async fn of_twelve_trusts_at_once_ten_stay() {
    let (site, mut authenticator) = (Arc::new(Site::with(TRUSTING).await), Browser::new());
    let (_, caller) = with_passkey(&site, &mut authenticator).await;
    let mut steps = Vec::new();
    for _ in 0..12 {
        let step = challenge(log_in(&site, "ann", None).await);
        let options = site.accounts.begin_second_step(&step, &browser(None)).await.unwrap();
        steps.push((step, authenticator.get(&options).await));
    }
    let steps = Arc::new(steps);
    let opened = at_once(12, |number| {
        let (site, steps) = (site.clone(), steps.clone());
        async move {
            let client = Client { trusts_device: true, ..browser(None) };
            let (step, answer) = &steps[number];
            site.accounts.complete_log_in_by_passkey(step, answer, &client).await.unwrap().device
        }
    });
    let opened = opened.await;
    assert_eq!(devices(&site, &caller).await.len(), 10);
    let mut trusted = 0;
    for device in opened {
        trusted += usize::from(is_trusted(&site, &device).await);
    }
    assert_eq!(trusted, 10);
}

/// Log-ins at once on one device all succeed, and the trust stays.
#[tokio::test(flavor = "multi_thread")]
async fn log_ins_at_once_on_a_trusted_device_all_succeed() {
    let site = Arc::new(Site::with(TRUSTING).await);
    let (_, opened) = trusting(&site).await;
    let answers = at_once(8, |_| {
        let (site, device) = (site.clone(), opened.device.clone());
        async move { log_in(&site, "ann", Some(&device)).await.map(drop) }
    });
    for answer in answers.await {
        answer.unwrap();
    }
    assert!(is_trusted(&site, &opened.device).await);
}

/// The trust, or all sessions, end after the log-in has read it, and before it writes the session.
#[tokio::test(flavor = "multi_thread")]
async fn a_trust_that_ends_while_a_log_in_runs_opens_no_session() {
    for way in ["one trust", "all sessions", "another password", "recovery codes"] {
        let site = Arc::new(Site::with(TRUSTING).await);
        let (ann, opened) = trusting(&site).await;
        let caller = opened.caller.clone();
        let gate = Gate::new();
        let held = Fault::Held(gate.clone());
        site.aws.faults().fail("TransactWriteItems", Times::N(1), held);
        let running = tokio::spawn({
            let (site, device) = (site.clone(), opened.device.clone());
            async move { log_in(&site, "ann", Some(&device)).await }
        });
        gate.arrived(1).await;
        let other = ann.ann.with_tokens(&serde_json::json!({
            "token": opened.tokens.access, "refreshToken": opened.tokens.refresh,
        }));
        match way {
            "one trust" => {
                let id = caller.session.trusted_device.as_deref().unwrap();
                site.accounts.end_trusted_device(&caller, id).await.unwrap();
            }
            "all sessions" => site.accounts.end_other_sessions(&caller).await.unwrap(),
            "another password" => {
                let new = "an other jf84jfKKd";
                let call = format!(
                    "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{new}\", \
                     newPassword2: \"{new}\")"
                );
                done(&site, &other, &call, "").await;
            }
            _ => drop(done(&site, &other, "replaceRecoveryCodes", "").await),
        }
        gate.open();
        let answer = running.await.unwrap();
        assert!(matches!(answer, Err(AuthError::SecondFactorRequired { .. })), "{way}: {answer:?}");
        let sessions = site.store.sessions(caller.user.id).await.unwrap();
        assert!(!sessions.iter().any(Session::is_by_trusted_device), "{way}");
    }
}
