//! The log-in challenge, which is the token between the two steps, and the step-up of a session.

use jiff::SignedDuration;
use journeys::{Actor, DIALECTS, Dialect, PASSWORD, Site, forge};
use serde_json::{Value, json};

use super::{
    Secured, done, first_step, proof, refusal, second_step, second_step_refusal, secure, step_up,
    with_ann,
};

async fn in_dialect(site: &Site, dialect: Dialect) -> String {
    dialect.first_step(site, "ann", "ann@example.com", PASSWORD).await
}

/// C2: a log-in challenge works once, for at most ten minutes, and not after a new password.
#[tokio::test]
async fn a_challenge_works_once_for_ten_minutes_and_until_the_password_changes() {
    let site = Site::start().await;
    let Secured { ann, phone, recovery_codes } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    // A wrong code does not invalidate it.
    assert_eq!(second_step_refusal(&site, &challenge, "123456").await, "invalid_otp");
    let opened = second_step(&site, &challenge, &phone.next(&site), &[]).await.json();
    assert_eq!(opened["data"]["it"]["success"], true, "{opened}");
    let refused = second_step_refusal(&site, &challenge, &phone.next(&site)).await;
    assert_eq!(refused, "invalid_token");
    // That attempt did not use up the code.
    let challenge = first_step(&site, "ann", &[]).await;
    let opened = second_step(&site, &challenge, &phone.code(&site), &[]).await.json();
    assert_eq!(opened["data"]["it"]["success"], true, "{opened}");

    let late = first_step(&site, "ann", &[]).await;
    site.advance(SignedDuration::from_secs(599));
    let just = first_step(&site, "ann", &[]).await;
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(second_step_refusal(&site, &late, &recovery_codes[0]).await, "expired_token");
    let new = "an other jf84jfKKd";
    let link = site.reset_link(&ann).await;
    assert_eq!(site.reset_password(&link, new, new).await["success"], true);
    assert_eq!(second_step_refusal(&site, &just, &recovery_codes[0]).await, "invalid_token");
}

/// C2: a log-in challenge has its own type. It does not work as an access token, and no other token works in its place.
#[tokio::test]
async fn no_other_token_passes_for_a_challenge_and_a_challenge_for_no_other() {
    let site = Site::start().await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    assert_eq!(forge::header(&challenge)["typ"], "challenge+jwt");
    let device = second_step(&site, &challenge, &phone.next(&site), &[]).await;
    let device = device.headers["x-device"].to_str().unwrap().to_owned();
    let challenge = first_step(&site, "ann", &[]).await;
    let begun = done(&site, &site.signed_in("bob").await, "beginApp", "setup").await;
    let link = site.reset_link(&ann).await;
    let code = phone.next(&site);
    let forged = {
        let (mut claims, header) = (forge::payload(&challenge), forge::header(&challenge));
        claims["factor"] = "passkey".into();
        forge::token(&header.to_string(), &claims.to_string(), &forge::Signer::hs256(*b"guess"))
    };
    let setup = begun["setup"].as_str().unwrap();
    for other in ["", "rubbish", &ann.access, &ann.refresh, &device, setup, &link, &forged] {
        assert_eq!(second_step_refusal(&site, other, &code).await, "invalid_token", "{other}");
    }
    let thief = Actor { access: challenge.clone(), refresh: challenge.clone(), ..ann.clone() };
    site.assert_over(&thief).await;
    assert_eq!(site.reset_password(&challenge, PASSWORD, PASSWORD).await["success"], false);
}

/// C2: a log-in challenge belongs to the kind of session of the first step. Only Hasura has refresh tokens that stay.
#[tokio::test]
async fn a_challenge_opens_a_session_of_its_own_kind_alone() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let rotates = |dialect: Dialect| dialect != Dialect::Hasura;
    for first in DIALECTS {
        for second in DIALECTS {
            let challenge = in_dialect(&site, first).await;
            let opened = second.complete(&site, &challenge, &phone.next(&site)).await;
            let expected = rotates(first) == rotates(second);
            assert_eq!(opened.is_ok(), expected, "{first:?} {second:?} {opened:?}");
        }
    }
}

/// C2, C7: if the user is banned or deleted after the first step, its token opens nothing.
#[tokio::test]
async fn a_challenge_opens_nothing_for_a_user_who_was_banned_in_between() {
    let site = Site::start().await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let eve = site.signed_in_as(accounts::model::Role::Staff, "eve").await;
    let challenge = first_step(&site, "ann", &[]).await;
    site.change(&eve, "staffBan", ann.user_id(), "reason: \"spam\"").await.unwrap();
    let refused = second_step_refusal(&site, &challenge, &phone.next(&site)).await;
    assert_eq!(refused, "invalid_token");
}

/// C3: the session stays the same, and has the claims of the proof. A refresh keeps these claims. The earlier refresh
/// token counts as used: within the grace period, it returns the same tokens again.
#[tokio::test]
async fn a_step_up_raises_the_session_and_a_refresh_keeps_the_claims() {
    let site = Site::start().await;
    let before = site.signed_in("ann").await;
    let Secured { phone, .. } = secure(&site, &site.log_in(&before).await).await;
    let opened = site.now().as_second();
    assert_eq!(proof(&before.access), (json!(["pwd"]), json!("aal1"), opened));
    site.advance(SignedDuration::from_mins(7));
    let code = phone.code(&site);
    let raised = step_up(&site, &before, &code).await;
    let now = site.now().as_second();
    assert_eq!(raised.session_id(), before.session_id());
    let claims = (json!(["pwd", "otp", "mfa"]), json!("aal2"), now);
    assert_eq!(proof(&raised.access), claims);
    assert_eq!(site.refreshed(&before).await.access, raised.access);
    site.advance(SignedDuration::from_mins(4));
    let next = site.refreshed(&raised).await;
    assert_eq!(proof(&next.access), claims);
    assert_eq!(refusal(&site, &next, &format!("stepUp(code: \"{code}\")")).await, "invalid_otp");
    // After the grace period, the refresh token from before the step-up counts as stolen.
    assert_eq!(site.refresh_token(&before.refresh).await["success"], false);
    site.assert_over(&next).await;
}

/// C3: a user without a second factor steps up by the password.
#[tokio::test]
async fn a_user_without_a_second_factor_steps_up_by_the_password() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.advance(SignedDuration::from_mins(6));
    assert_eq!(refusal(&site, &ann, "beginApp").await, "reauthentication_required");
    assert_eq!(refusal(&site, &ann, "stepUp(password: \"a guess\")").await, "invalid_password");
    let call = format!("stepUp(password: \"{PASSWORD}\")");
    let ann = ann.with_tokens(&done(&site, &ann, &call, "token refreshToken payload").await);
    assert_eq!(proof(&ann.access), (json!(["pwd"]), json!("aal1"), site.now().as_second()));
    done(&site, &ann, "beginApp", "").await;
    for call in ["stepUp", "stepUp(password: \"a\", code: \"b\")"] {
        let document = format!("mutation {{ {call} {{ success errors }} }}");
        let answer = site.ask(&ann, &document, Value::Null).await;
        assert_eq!(answer.code().as_deref(), Some("invalid"), "{}", answer.text);
    }
}

/// C2: a client of the small schema, which does not select `success`, gets an error with the `challenge`.
#[tokio::test]
async fn a_document_without_success_gets_failures_as_errors() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    site.advance(SignedDuration::from_mins(6));
    for call in [
        "stepUp(code: \"1\") { token }",
        "replaceRecoveryCodes { recoveryCodes }",
        "completeLogin(challenge: \"x\", code: \"1\") { token }",
        "beginApp { uri }",
        "addApp(setup: \"x\", code: \"1\") { token }",
    ] {
        let answer = site.ask(&ann, &format!("mutation {{ it: {call} }}"), Value::Null).await;
        assert!(answer.code().is_some(), "{call}: {}", answer.text);
        assert_eq!(answer.json()["data"]["it"], Value::Null);
    }
}

/// The mutations in Relay form are the same.
#[tokio::test]
async fn the_second_step_in_relay_form_answers_alike() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let document = "mutation($i: CompleteLoginInput!) {
        completeLogin(input: $i) { success token clientMutationId } }";
    let input =
        json!({ "challenge": challenge, "code": phone.next(&site), "clientMutationId": "7" });
    let body = json!({ "query": document, "variables": { "i": input } }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = site.send(axum::http::Method::POST, "/graphql/relay", &headers, body).await.json();
    let it = &answer["data"]["completeLogin"];
    assert_eq!((&it["success"], &it["clientMutationId"]), (&json!(true), &json!("7")), "{answer}");
    assert!(it["token"].is_string());
}
