//! No way to log in skips the second factor, and each dialect has the second step.

use journeys::{Actor, DIALECTS, HasuraApi, PASSWORD, Site, TokenPair, Visit};
use serde_json::{Value, json};

use super::{
    Secured, first_step, logs_in_by_password_alone, post, proof, second_step, secure, with_ann,
};

const NEW: &str = "an other jf84jfKKd";

fn held(actor: &Actor) -> TokenPair {
    TokenPair { access: actor.access.clone(), refresh: actor.refresh.clone() }
}

/// C1: one user and every way to log in. No way gives a token that claims more than the user has proven. All ways stop
/// at the second step, except an earlier session.
#[tokio::test]
pub(crate) async fn no_way_in_skips_the_second_factor() {
    let site = Site::start().await;
    let before = site.signed_in("ann").await;
    let Secured { phone, recovery_codes, .. } = secure(&site, &site.log_in(&before).await).await;
    let email = "ann@example.com";
    let mut password = PASSWORD.to_owned();
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        dialect.first_step(&site, "ann", email, &password).await;
        // The earlier session continues. It claims no second factor, not even after a refresh.
        if number == 0 {
            let next = dialect.refresh(&site, &held(&before)).await.unwrap();
            assert_eq!(
                (proof(&next.access).0, proof(&next.access).1),
                (json!(["pwd"]), json!("aal1"))
            );
        }
        // C18: neither the code nor the link of a mail replaces it.
        let id = dialect.request_log_in_mail(&site, email).await.unwrap();
        let code = site.code(email).await;
        dialect.first_step_by_mail(&site, &id, &code).await;
        // C7: a reset by mail neither removes nor replaces the second factor.
        password = format!("{NEW}{number}");
        dialect.reset(&site, email, &password).await.unwrap();
        let challenge = dialect.first_step(&site, "ann", email, &password).await;
        let code = if number % 2 == 0 { &recovery_codes[number] } else { &phone.next(&site) };
        let opened = dialect.complete(&site, &challenge, code).await.unwrap();
        assert_eq!(dialect.who(&site, &opened).await.as_deref(), Ok("ann"));
        let (amr, acr, _) = proof(&opened.access);
        assert_eq!((amr, acr), (json!(["pwd", "otp", "mfa"]), json!("aal2")));
        let next = dialect.refresh(&site, &opened).await.unwrap();
        assert_eq!(proof(&next.access), proof(&opened.access));
    }
    for root in ["/account", "/admin"] {
        let answer = Visit::log_in(&site, root, "ann", &password).await;
        assert_eq!(Visit::cookie(&answer), None, "{root}: {}", answer.text);
    }
}

/// C1: a sign-up with the address of a user who has a second factor gives no token of that user.
#[tokio::test]
async fn a_sign_up_and_the_link_of_an_address_open_no_session_of_a_user_with_a_second_factor() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    let again = site.register(&ann.email(), "other", PASSWORD, PASSWORD).await;
    assert_eq!((&again["success"], &again["token"]), (&json!(false), &Value::Null));
    let link = site.email_change_link(&ann, "ann@new.example").await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    assert!(!logs_in_by_password_alone(&site, &ann).await);
}

/// C2: old clients get a clear code, and no token, by each entry point of Hasura.
#[tokio::test]
async fn each_entry_point_of_hasura_has_the_challenge_and_the_second_step() {
    let site = Site::start().await;
    let Secured { phone, recovery_codes, .. } = with_ann(&site).await;
    for (number, api) in HasuraApi::ALL.into_iter().enumerate() {
        let arg = json!({ "username": "ann", "password": PASSWORD });
        let refused = site.hasura(api, "user_login", arg).await;
        let about =
            if api == HasuraApi::Rest { &refused.body } else { &refused.body["extensions"] };
        let found = (refused.status, about["code"].as_str().unwrap());
        assert_eq!(found, (401, "second_factor_required"), "{api:?} {refused:?}");
        let code = if number == 0 { &phone.next(&site) } else { &recovery_codes[number] };
        for (challenge, typed, status) in [
            (&json!("rubbish"), code.as_str(), 401),
            (&about["challenge"], "000-000", 400),
            (&about["challenge"], code, 200),
            (&about["challenge"], code, 400),
        ] {
            let arg = json!({ "challenge": challenge, "code": typed });
            let answer = site.hasura(api, "user_complete_login", arg).await;
            assert_eq!(answer.status, status, "{api:?} {typed} {answer:?}");
            if status == 200 {
                assert_eq!(proof(answer.body["access"].as_str().unwrap()).1, "aal2");
            }
        }
        let missing = site.hasura(api, "user_complete_login", json!({})).await;
        assert_eq!(missing.status, 400, "{missing:?}");
    }
}

/// C1: the second step has the effects of a log-in: it sets the cookies and the device token, and takes the account out
/// of the archive.
#[tokio::test]
async fn the_second_step_sets_the_cookies_and_takes_the_account_out_of_the_archive() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let site = site.restarted_with(&[("TOKENS_IN_COOKIES", "only")]);
    let headers = [("sec-fetch-site", "same-origin")];
    let challenge = first_step(&site, "ann", &headers).await;
    let answer = second_step(&site, &challenge, &phone.next(&site), &headers).await;
    let it = &answer.json()["data"]["it"];
    assert_eq!((&it["success"], &it["unarchiving"]), (&json!(true), &json!(false)), "{it}");
    assert_eq!((&it["token"], &it["refreshToken"]), (&Value::Null, &Value::Null));
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    let names = set.iter().map(|set| set.to_str().unwrap().split('=').next().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["JWT", "JWT-refresh-token", "JWT-device"]);
    let cookies = set.iter().map(|set| set.to_str().unwrap().split(';').next().unwrap());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let headers = [("cookie", cookies.as_str()), ("sec-fetch-site", "same-origin")];
    let document = format!(
        "mutation($p: String!) {{
        stepUp(code: \"{}\") {{ success errors token }}
        archiveAccount(password: $p) {{ success errors }} }}",
        phone.next(&site)
    );
    let archived = post(&site, &document, json!({ "p": PASSWORD }), &headers).await;
    let data = &archived.json()["data"];
    assert_eq!(
        (&data["stepUp"]["success"], &data["stepUp"]["token"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(data["archiveAccount"]["success"], true, "{data}");
    let challenge = first_step(&site, "ann", &headers[1..]).await;
    let answer = second_step(&site, &challenge, &phone.next(&site), &headers[1..]).await.json();
    assert_eq!(answer["data"]["it"]["unarchiving"], true, "{answer}");
}

/// C3: the user of the second step is the caller of the fields that follow in the same document.
#[tokio::test]
async fn the_user_of_the_second_step_is_the_caller_of_the_rest_of_the_document() {
    let site = Site::start().await;
    let Secured { phone, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    let document = "mutation($challenge: String!, $code: String!) {
        completeLogin(challenge: $challenge, code: $code) {
            success user { hasSecondFactor recoveryCodesLeft } }
        updateAccount(firstName: \"Ann\") { success } }";
    let variables = json!({ "challenge": challenge, "code": phone.next(&site) });
    let answer = site.graphql(document, variables).await.json();
    let user = &answer["data"]["completeLogin"]["user"];
    assert_eq!(user, &json!({ "hasSecondFactor": true, "recoveryCodesLeft": 10 }), "{answer}");
    assert_eq!(answer["data"]["updateAccount"]["success"], true, "{answer}");
}

/// Other users do not see which users have a second factor.
#[tokio::test]
async fn only_the_user_and_staff_see_a_second_factor() {
    let site = Site::start().await;
    let Secured { ann, .. } = with_ann(&site).await;
    let eve = site.signed_in_as(accounts::model::Role::Staff, "eve").await;
    let document =
        format!("{{ user(id: \"{}\") {{ hasSecondFactor recoveryCodesLeft }} }}", ann.user_id());
    let seen = site.ask(&eve, &document, Value::Null).await.json();
    let expected = json!({ "hasSecondFactor": true, "recoveryCodesLeft": null });
    assert_eq!(seen["data"]["user"], expected);
    let document = "mutation($i: CreateUserInput!) {
        createUser(input: $i) { user { hasSecondFactor recoveryCodesLeft } } }";
    let input = json!({ "username": "bob", "email": "bob@example.com", "password": PASSWORD });
    let seen = site.graphql(document, json!({ "i": input })).await.json();
    let expected = json!({ "hasSecondFactor": null, "recoveryCodesLeft": null });
    assert_eq!(seen["data"]["createUser"]["user"], expected);
}
