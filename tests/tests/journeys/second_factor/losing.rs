//! A user who has lost the second factor, an account that its owner takes back, and secrets that rotate.

use accounts::model::Role;
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::Value;

use super::{
    Secured, add_second_address, done, first_step, log_in, logs_in_by_password_alone, second_step,
    second_step_refusal, secure, step_up, with_ann,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn remove(site: &Site, eve: &Actor, ann: &Actor) -> Result<Value, String> {
    let reason = "reason: \"lost the phone\"";
    site.change(eve, "staffRemoveSecondFactor", ann.user_id(), reason).await
}

/// The subjects of the mails to Ann.
async fn subjects(site: &Site, address: &str) -> Vec<String> {
    site.mails_to(address).await.iter().map(|mail| mail.subject.clone()).collect()
}

/// C7: staff start a removal that waits for 72 hours. All addresses of the user get a mail at once.
#[tokio::test]
async fn a_removal_by_staff_waits_three_days_and_is_mailed_to_all_addresses() {
    let site = Site::start().await;
    let second = "ann@second.example";
    let ann = site.signed_in("ann").await;
    add_second_address(&site, &ann, second).await;
    let Secured { ann, .. } = secure(&site, &ann).await;
    let eve = site.signed_in_as(Role::Staff, "eve").await;
    let before = [subjects(&site, &ann.email()).await.len(), subjects(&site, second).await.len()];
    let user = remove(&site, &eve, &ann).await.unwrap();
    assert_eq!(user["hasSecondFactor"], true, "{user}");
    let end = (site.now() + DAY * 3).as_second();
    let shown: jiff::Timestamp = user["secondFactorEndsAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown.as_second(), end);
    let about = "The second factor of your account on Example will be removed";
    for (address, before) in [(ann.email().as_str(), before[0]), (second, before[1])] {
        let subjects = subjects(&site, address).await;
        assert_eq!(subjects[before..], [about], "{address}");
    }
    // A second request changes nothing.
    site.advance(DAY);
    let eve = site.log_in(&eve).await;
    assert_eq!(
        remove(&site, &eve, &ann).await.unwrap()["secondFactorEndsAt"],
        user["secondFactorEndsAt"]
    );
    site.advance(DAY * 2 - SignedDuration::from_secs(2));
    first_step(&site, "ann", &[]).await;
    site.advance(SignedDuration::from_secs(2));
    assert!(logs_in_by_password_alone(&site, &ann).await);
    assert!(site.items("USER#").await.iter().all(|sort| sort != "FACTORS"));
    let ann = secure(&site, &site.log_in(&ann).await).await.ann;
    assert!(!logs_in_by_password_alone(&site, &ann).await);
}

/// An operator does not wait, and the mail does not promise a wait.
#[tokio::test]
async fn a_removal_at_once_is_mailed_as_one() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    let operator = site.accounts.operator("olga").unwrap();
    operator.remove_second_factor(ann.user_id(), "lost", true, None).await.unwrap();
    let subjects = subjects(&site, &ann.email()).await;
    let about = "The second factor of your account on Example was removed";
    assert_eq!(subjects.last().map(String::as_str), Some(about), "{subjects:?}");
    assert!(logs_in_by_password_alone(&site, &ann).await);
}

/// C7: a proof of the second factor in the meantime, in a log-in or in a session, stops the removal.
#[tokio::test]
async fn a_proof_of_the_second_factor_stops_its_removal() {
    let site = Site::start().await;
    let Secured { ann, phone, recovery_codes } = with_ann(&site).await;
    let eve = site.signed_in_as(Role::Staff, "eve").await;
    for way in ["app", "recovery code", "step-up", "staff"] {
        let eve = site.log_in(&eve).await;
        remove(&site, &eve, &ann).await.unwrap();
        match way {
            "app" => drop(log_in(&site, "ann", &phone.next(&site)).await),
            "recovery code" => drop(log_in(&site, "ann", &recovery_codes[0]).await),
            "step-up" => {
                let session = log_in(&site, "ann", &recovery_codes[1]).await;
                remove(&site, &eve, &ann).await.unwrap();
                step_up(&site, &session, &phone.next(&site)).await;
            }
            _ => {
                site.change(&eve, "staffKeepSecondFactor", ann.user_id(), "").await.unwrap();
            }
        }
        let find = format!("staffUser(find: \"{}\") {{ secondFactorEndsAt }}", ann.user_id());
        let user = site.call(&eve, "query", &find).await.unwrap();
        assert_eq!(user["secondFactorEndsAt"], Value::Null, "{way}");
    }
    site.advance(DAY * 4);
    first_step(&site, "ann", &[]).await;
    let eve = site.log_in(&eve).await;
    let trail = site.events(&eve, &format!("user: \"{}\"", ann.user_id())).await;
    let count = |kind: &str| trail.iter().filter(|event| event["event"] == kind).count();
    assert_eq!(count("second_factor_removal_asked"), 5);
    assert_eq!(count("second_factor_removal_canceled"), 5);
}

/// C7: staff must prove their own identity, and can request the removal only for a user who has a factor.
#[tokio::test]
async fn staff_remove_a_second_factor_with_a_recent_proof_of_their_own() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    let bob = site.signed_in("bob").await;
    let eve = site.signed_in_as(Role::Staff, "eve").await;
    assert_eq!(remove(&site, &bob, &ann).await, Err("not_found".to_owned()));
    for field in ["staffRemoveSecondFactor", "staffKeepSecondFactor"] {
        let more = if field == "staffKeepSecondFactor" { "" } else { "reason: \"\"" };
        let refused = site.change(&eve, field, bob.user_id(), more).await;
        assert_eq!(refused, Err("no_second_factor".to_owned()), "{field}");
    }
    site.advance(SignedDuration::from_secs(301));
    assert_eq!(remove(&site, &eve, &ann).await, Err("reauthentication_required".to_owned()));
    let more = format!("reason: \"\", password: \"{PASSWORD}\"");
    site.change(&eve, "staffRemoveSecondFactor", ann.user_id(), &more).await.unwrap();
    // Staff who have a second factor prove this factor.
    let Secured { ann: eve, phone, .. } = secure(&site, &site.log_in(&eve).await).await;
    site.advance(SignedDuration::from_secs(301));
    let refused = site.change(&eve, "staffRemoveSecondFactor", ann.user_id(), &more).await;
    assert_eq!(refused, Err("step_up_required".to_owned()));
    let eve = step_up(&site, &eve, &phone.code(&site)).await;
    remove(&site, &eve, &ann).await.unwrap();
}

/// C5, C7: an attacker adds a factor and changes the address. The link to the former address removes this factor.
#[tokio::test]
async fn an_address_that_takes_the_account_back_drops_the_factors_of_the_last_days() {
    let site = Site::start().await;
    let owner = site.signed_in("ann").await;
    let Secured { ann: thief, phone, .. } = secure(&site, &owner).await;
    let link = site.email_change_link(&thief, "mallory@evil.example").await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    let restore = site.link_token("ann@example.com").await;
    let call = format!("restoreEmail(token: \"{restore}\")");
    let answer = done(&site, &thief, &call, "resetToken").await;
    let reset = answer["resetToken"].as_str().unwrap();
    assert_eq!(site.reset_password(reset, PASSWORD, PASSWORD).await["success"], true);
    assert!(logs_in_by_password_alone(&site, &owner).await);
    assert!(site.items("USER#").await.iter().all(|sort| sort != "FACTORS"));
    site.assert_over(&thief).await;
    secure(&site, &site.log_in(&owner).await).await;
    let challenge = first_step(&site, "ann", &[]).await;
    assert_eq!(second_step_refusal(&site, &challenge, &phone.next(&site)).await, "invalid_otp");
}

/// C7: a factor from long before the change of the address stays, because it belongs to the owner.
#[tokio::test]
async fn an_address_that_takes_the_account_back_keeps_the_factors_of_long_before() {
    let site = Site::start().await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    site.advance(DAY * 29);
    let ann = log_in(&site, &ann.name, &phone.code(&site)).await;
    let link = site.email_change_link(&ann, "ann@new.example").await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    let restore = site.link_token("ann@example.com").await;
    let call = format!("restoreEmail(token: \"{restore}\")");
    let answer = done(&site, &ann, &call, "resetToken").await;
    let reset = answer["resetToken"].as_str().unwrap();
    assert_eq!(site.reset_password(reset, PASSWORD, PASSWORD).await["success"], true);
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// The deletion of a user deletes the factors, too.
#[tokio::test]
async fn the_factors_of_a_user_go_with_the_account() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let Secured { ann, .. } = with_ann(&site).await;
    assert_eq!(site.item("USER#", "FACTORS").await["kind"], journeys::s("factors"));
    done(&site, &ann, &format!("deleteAccount(password: \"{PASSWORD}\")"), "").await;
    site.clean_up().await;
    assert_eq!(site.items("USER#").await, Vec::<String>::new());
}

/// C8: after a rotation of `AUTH_SECRET`, an app works as long as the old secret is in the list. If the user uses the
/// app in that time, it works for good. Recovery codes do not depend on `AUTH_SECRET`.
#[tokio::test]
async fn an_app_outlives_a_rotation_of_the_secret_and_recovery_codes_outlive_its_loss() {
    const BOTH: &str = "a newer secret for tests that has more than 32 bytes,\
                        a secret for tests that has more than 32 bytes";
    const NEW: &str = "a newer secret for tests that has more than 32 bytes";
    const NEWEST: &str = "the newest secret for tests that has more than 32 bytes";
    let site = Site::start().await;
    let Secured { phone, recovery_codes, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let site = site.restarted_with(&[("AUTH_SECRET", BOTH)]);
    let opened = second_step(&site, &challenge, &phone.next(&site), &[]).await.json();
    assert_eq!(opened["data"]["it"]["success"], true, "{opened}");
    log_in(&site, "ann", &phone.next(&site)).await;
    let site = site.restarted_with(&[("AUTH_SECRET", NEW)]);
    log_in(&site, "ann", &phone.next(&site)).await;
    // Without a use in that time, the app does not work any more.
    let site = site.restarted_with(&[("AUTH_SECRET", NEWEST)]);
    let challenge = first_step(&site, "ann", &[]).await;
    // The answer is not that the code is wrong. The log has the reason: the key is lost.
    let answer = second_step(&site, &challenge, &phone.next(&site), &[]).await;
    assert_eq!(answer.code().as_deref(), Some("unavailable"), "{}", answer.text);
    log_in(&site, "ann", &recovery_codes[0]).await;
}
