//! Each way in which trusts end.

use accounts::model::{Client, EventKind, Role};
use accounts::operations::second_factor::StepUp;
use accounts::operations::{Caller, LoggedIn};
use journeys::{Actor, PASSWORD, Site, Visit};
use serde_json::json;

use super::super::{Secured, done, secure, with_ann};
use super::{
    DAY, TRUSTING, browser, by_password, challenge, devices, events, is_trusted, log_in, trust,
    trusting,
};
use crate::passkeys::add;
use crate::passkeys::browser::Browser;

const NEW: &str = "an other jf84jfKKd";

/// The user of the log-in that began the trust, for calls.
fn actor(ann: &Actor, opened: &LoggedIn) -> Actor {
    let tokens = json!({
        "token": opened.tokens.access, "refreshToken": opened.tokens.refresh,
    });
    ann.with_tokens(&tokens)
}

/// A new password in a session. The session continues.
#[tokio::test]
async fn a_new_password_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, .. }, opened) = trusting(&site).await;
    let call = format!(
        "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{NEW}\", newPassword2: \"{NEW}\")"
    );
    done(&site, &actor(&ann, &opened), &call, "").await;
    challenge(by_password(&site, "ann", NEW, Some(&opened.device)).await);
}

#[tokio::test]
async fn a_reset_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, .. }, opened) = trusting(&site).await;
    let token = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&token, NEW, NEW).await["success"], true);
    challenge(by_password(&site, "ann", NEW, Some(&opened.device)).await);
}

/// Another app, other recovery codes, another passkey; another name of a passkey changes no factor.
#[tokio::test]
async fn a_change_of_the_factors_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, phone, .. }, opened) = trusting(&site).await;
    let ann = actor(&ann, &opened);
    done(&site, &ann, "replaceRecoveryCodes", "").await;
    assert!(!is_trusted(&site, &opened.device).await);

    let opened = trust(&site, &phone, None).await;
    let mut authenticator = Browser::new();
    let caller = add(&site, &opened.caller, &mut authenticator, "").await;
    assert!(!is_trusted(&site, &opened.device).await);

    let opened = trust(&site, &phone, None).await;
    let id = site.accounts.passkeys(&caller).await.unwrap().passkeys[0].credential.id.to_string();
    site.accounts.rename_passkey(&caller, &id, "Key").await.unwrap();
    assert!(is_trusted(&site, &opened.device).await);
    site.accounts.remove_passkey(&opened.caller, &id).await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await);

    // The removal of the last factor deletes the list. A new factor restores no trust.
    let opened = trust(&site, &phone, None).await;
    site.accounts.remove_app(&opened.caller).await.unwrap();
    assert!(devices(&site, &opened.caller).await.is_empty());
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    assert!(!later.caller.session.is_by_trusted_device(), "there is no second factor");
    secure(&site, &actor(&ann, &later)).await;
    assert!(!is_trusted(&site, &opened.device).await);
}

/// A recovery code may mean that the user has lost a device. The log-in by this code may begin a trust.
#[tokio::test]
async fn a_recovery_code_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { recovery_codes, .. }, opened) = trusting(&site).await;
    let step = challenge(log_in(&site, "ann", None).await);
    let client = Client { trusts_device: true, ..browser(None) };
    let code = &recovery_codes[0];
    let other = site.accounts.complete_log_in(&step, code, &client).await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await);
    assert!(is_trusted(&site, &other.device).await);
    let proof = StepUp::Code(recovery_codes[1].clone());
    site.accounts.step_up(&other.caller, proof).await.unwrap();
    assert!(!is_trusted(&site, &other.device).await);
}

/// The user ends all other sessions; staff end all sessions.
#[tokio::test]
async fn the_end_of_all_sessions_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { phone, .. }, opened) = trusting(&site).await;
    site.accounts.end_other_sessions(&opened.caller).await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await, "that of this session, too");
    let opened = trust(&site, &phone, None).await;
    let eve = site.signed_in_as(Role::Staff, "eve").await;
    let id = opened.caller.user.id;
    let shown = |what: &str| format!("staffUser(find: \"{id}\") {{ {what} }}");
    let user = site.call(&eve, "query", &shown("trustedDevices")).await.unwrap();
    assert_eq!(user["trustedDevices"], 1);
    let console = Visit::open(&site, "/admin", "eve").await;
    let page = console.get(&format!("/admin/users/{id}")).await.text;
    assert!(page.contains("Trusted devices: 1."), "{page}");
    site.change(&eve, "staffEndSessions", id, "").await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await);
    let user = site.call(&eve, "query", &shown("trustedDevices")).await.unwrap();
    assert_eq!(user["trustedDevices"], 0);
}

/// The factors end three days after the request. A log-in on a trusted device proves no second factor, so it does not
/// stop the removal.
#[tokio::test]
async fn a_removal_by_staff_ends_all_trusts_and_a_trusted_device_does_not_stop_it() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, .. }, opened) = trusting(&site).await;
    let eve = site.signed_in_as(Role::Staff, "eve").await;
    let reason = "reason: \"lost\"";
    site.change(&eve, "staffRemoveSecondFactor", ann.user_id(), reason).await.unwrap();
    site.advance(DAY);
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    assert!(later.caller.session.is_by_trusted_device());
    let later = later.caller.user.id;
    let user = site.store.user(later).await.unwrap().unwrap();
    assert!(user.second_factor_ends_at.is_some());
    assert!(!events(&site, &ann).await.contains(&EventKind::SecondFactorRemovalCanceled));
    site.advance(DAY * 2);
    let after = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    assert!(!after.caller.session.is_by_trusted_device(), "there is no second factor");
    secure(&site, &actor(&ann, &after)).await;
    assert!(!is_trusted(&site, &opened.device).await);
}

/// Ends one trust by its id, but not a trust of another user. Then ends all.
#[tokio::test]
async fn the_user_ends_one_trust_or_all() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, phone, .. }, first) = trusting(&site).await;
    let second = trust(&site, &phone, None).await;
    let bob = site.signed_in("bob").await;
    let bob: Caller = site.caller(&bob).await;
    let id = |opened: &LoggedIn| opened.caller.session.trusted_device.clone().unwrap();
    for (caller, id) in
        [(&bob, id(&first)), (&first.caller, "x".to_owned()), (&first.caller, String::new())]
    {
        let refused = site.accounts.end_trusted_device(caller, &id).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
    }
    site.accounts.end_trusted_device(&second.caller, &id(&first)).await.unwrap();
    assert!(!is_trusted(&site, &first.device).await);
    assert!(is_trusted(&site, &second.device).await);
    let again = site.accounts.end_trusted_device(&second.caller, &id(&first)).await;
    assert_eq!(again.unwrap_err().code(), "not_found");
    trust(&site, &phone, None).await;
    site.accounts.end_trusted_devices(&second.caller).await.unwrap();
    assert!(!is_trusted(&site, &second.device).await);
    site.accounts.end_trusted_devices(&second.caller).await.unwrap();
    let kinds = events(&site, &ann).await;
    let ends = kinds.iter().filter(|kind| **kind == EventKind::DeviceTrustEnded).count();
    assert_eq!(ends, 2, "an end of nothing is no event");
}

/// A log-out keeps the trust, because the user will come back to the device. The end of the session from the list ends
/// the trust.
#[tokio::test]
async fn a_log_out_keeps_the_trust_and_the_end_of_the_session_from_the_list_ends_it() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, phone, .. }, opened) = trusting(&site).await;
    site.accounts.log_out(&opened.caller).await.unwrap();
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    site.accounts.revoke(&later.tokens.refresh).await.unwrap();
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    let other = trust(&site, &phone, None).await;
    site.accounts.end_session(&other.caller, later.caller.session.id).await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await);
    assert!(is_trusted(&site, &other.device).await);
    let refused = site.accounts.end_session(&other.caller, later.caller.session.id).await;
    assert_eq!(refused.unwrap_err().code(), "not_found");
    let kinds = events(&site, &ann).await;
    assert!(kinds.contains(&EventKind::DeviceTrustEnded), "{kinds:?}");
    // If the trust of a session has already ended, only the session ends.
    let shown = log_in(&site, "ann", Some(&other.device)).await.unwrap();
    site.accounts.end_trusted_devices(&shown.caller).await.unwrap();
    site.accounts.end_session(&shown.caller, other.caller.session.id).await.unwrap();
}

/// The owner of a former address takes the account back: all sessions and trusts end. A change of the address alone
/// ends none.
#[tokio::test]
async fn a_take_back_ends_all_trusts_and_another_address_ends_none() {
    let site = Site::with(TRUSTING).await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    site.advance(DAY * 29);
    let opened = trust(&site, &phone, None).await;
    let session = actor(&ann, &opened);
    let link = site.email_change_link(&session, "ann@new.example").await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert!(is_trusted(&site, &opened.device).await);
    let former = site.link_token("ann@example.com").await;
    let call = format!("restoreEmail(token: \"{former}\")");
    let answer = done(&site, &session, &call, "resetToken").await;
    let reset = answer["resetToken"].as_str().unwrap();
    assert_eq!(site.reset_password(reset, PASSWORD, PASSWORD).await["success"], true);
    assert!(!is_trusted(&site, &opened.device).await);
}

/// All trusts of an archived, banned or deleted user end.
#[tokio::test]
async fn the_end_of_the_use_of_an_account_ends_all_trusts() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, phone, .. }, opened) = trusting(&site).await;
    let session = actor(&ann, &opened);
    done(&site, &session, &format!("archiveAccount(password: \"{PASSWORD}\")"), "").await;
    assert!(!is_trusted(&site, &opened.device).await);
    let opened = trust(&site, &phone, None).await;
    let eve = site.signed_in_as(Role::Superuser, "eve").await;
    let superuser = site.caller(&eve).await;
    let admin = site.accounts.admin(&superuser).unwrap();
    admin.ban(ann.user_id(), "spam", None).await.unwrap();
    admin.lift_ban(ann.user_id(), "").await.unwrap();
    assert!(!is_trusted(&site, &opened.device).await);
    let opened = trust(&site, &phone, None).await;
    let name = opened.caller.session.trusted_device.unwrap();
    assert!(site.dump().await.join("\n").contains(&name));
    admin.delete(ann.user_id(), "asked", None).await.unwrap();
    let factors = site.store.factors(ann.user_id()).await.unwrap();
    assert!(factors.trusted_devices.is_empty());
}
