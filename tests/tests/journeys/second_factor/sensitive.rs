//! Operations for which a stolen session must not be enough.

use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};
use serde_json::json;

use super::{
    Secured, add_second_address, done, log_in, logs_in_by_password_alone, refusal, secure, step_up,
    with_ann,
};

const NEW: &str = "an other jf84jfKKd";

/// The operations that require a recent proof, each with the right password, so that only the second factor is missing.
fn asking() -> Vec<String> {
    let password = format!("password: \"{PASSWORD}\"");
    vec![
        format!(
            "passwordChange(oldPassword: \"{PASSWORD}\", newPassword1: \"{NEW}\", newPassword2: \"{NEW}\")"
        ),
        format!("sendSecondaryEmailActivation(email: \"ann@third.example\", {password})"),
        format!("swapEmails({password})"),
        format!("removeSecondaryEmail({password})"),
        format!("exportAccount({password})"),
        format!("archiveAccount({password})"),
        format!("deleteAccount({password})"),
        "removeApp".to_owned(),
        "replaceRecoveryCodes".to_owned(),
    ]
}

async fn change_address(site: &Site, ann: &Actor, password: Option<&str>) -> Option<String> {
    let document = "mutation($i: UpdateUserInput!) { updateUser(input: $i) { ok } }";
    let mut input = json!({ "email": "ann@new.example" });
    if let Some(password) = password {
        input["password"] = password.into();
    }
    site.ask(ann, document, json!({ "i": input })).await.code()
}

/// C6: these operations require a proof of the user's strongest factor, at most five minutes old. The password is not
/// enough. Latchkey does not even compare it, so that a thief of the token cannot guess it.
#[tokio::test]
async fn sensitive_operations_ask_for_a_proof_of_the_second_factor_in_the_last_five_minutes() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let ann = site.signed_in("ann").await;
    add_second_address(&site, &ann, "ann@second.example").await;
    let Secured { ann, phone, .. } = secure(&site, &ann).await;
    site.deliver_mail().await;
    site.advance(SignedDuration::from_secs(301));
    let before = site.dump().await;
    for call in asking() {
        assert_eq!(refusal(&site, &ann, &call).await, "step_up_required", "{call}");
        let guess = call.replace(PASSWORD, "a guess");
        assert_eq!(refusal(&site, &ann, &guess).await, "step_up_required", "{call}");
    }
    for password in [None, Some(PASSWORD), Some("a guess")] {
        let refused = change_address(&site, &ann, password).await;
        assert_eq!(refused.as_deref(), Some("step_up_required"));
    }
    assert_eq!(site.dump().await, before);
    let backup = site.all_items().await;
    for call in asking() {
        site.restore(&backup).await;
        let raised = step_up(&site, &ann, &phone.next(&site)).await;
        done(&site, &raised, &call, "").await;
    }
    site.restore(&backup).await;
    let raised = step_up(&site, &ann, &phone.next(&site)).await;
    assert_eq!(change_address(&site, &raised, None).await, None);
}

/// C6: the same by REST and by Hasura.
#[tokio::test]
async fn sensitive_operations_of_rest_and_hasura_ask_too() {
    let site = Site::start().await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    site.advance(SignedDuration::from_secs(301));
    let change = json!({ "old_password": PASSWORD, "new_password": NEW });
    let header = format!("Bearer {}", ann.access);
    for (path, body) in
        [("password/change/", &change), ("export/", &json!({ "password": PASSWORD }))]
    {
        let refused = site.post_json(&format!("/api/accounts/{path}"), Some(&header), body).await;
        assert_eq!(refused.refusal(), (403, "step_up_required".to_owned()), "{path}");
    }
    for api in journeys::HasuraApi::ALL {
        let refused =
            site.hasura_as(Some(&ann.access), api, "user_change_password", change.clone());
        let refused = refused.await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.body.to_string().contains("step_up_required"), "{refused:?}");
    }
    let raised = step_up(&site, &ann, &phone.next(&site)).await;
    let api = journeys::HasuraApi::Rest;
    let done = site.hasura_as(Some(&raised.access), api, "user_change_password", change).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(!logs_in_by_password_alone(&site, &ann).await);
}

/// C6: a thief with the access token, and even with the password, cannot remove the factor, and gets no stronger
/// session.
#[tokio::test]
async fn a_thief_with_the_access_token_and_the_password_does_not_get_past_the_second_factor() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    site.advance(SignedDuration::from_mins(6));
    let thief = Actor { refresh: String::new(), ..ann.clone() };
    let items = site.item("USER#", "FACTORS").await;
    for call in [
        format!("stepUp(password: \"{PASSWORD}\")"),
        "removeApp".to_owned(),
        "replaceRecoveryCodes".to_owned(),
    ] {
        assert_eq!(refusal(&site, &thief, &call).await, "step_up_required", "{call}");
    }
    let begin = format!("beginApp(password: \"{PASSWORD}\")");
    assert_eq!(refusal(&site, &thief, &begin).await, "step_up_required");
    let mut answers = Vec::new();
    for number in 0..8 {
        let call = format!("stepUp(code: \"00000{number}\")");
        answers.push(refusal(&site, &thief, &call).await);
    }
    assert_eq!(answers[..5], ["invalid_otp"; 5]);
    assert_eq!(answers[5..], ["throttled"; 3]);
    assert_eq!(site.item("USER#", "FACTORS").await, items);
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// C6: everyday operations require no further proof.
#[tokio::test]
async fn the_profile_the_sessions_and_a_refresh_ask_for_nothing() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    site.advance(SignedDuration::from_mins(6));
    done(&site, &ann, "updateAccount(firstName: \"Ann\")", "").await;
    done(&site, &ann, "endOtherSessions", "").await;
    let ann = site.assert_goes_on(&ann).await;
    done(&site, &ann, "logout", "").await;
}
