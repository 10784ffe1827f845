//! Add an authenticator app, replace the recovery codes, remove both.

use jiff::SignedDuration;
use journeys::{PASSWORD, Site, forge};
use serde_json::{Value, json};

use super::{
    Phone, Secured, done, first_step, log_in, logs_in_by_password_alone, mutate, proof, refusal,
    second_step_refusal, secure, texts, with_ann,
};

/// C8: the app has SHA-1, six digits, steps of 30 seconds and a secret of 160 bits. The secret comes as a QR code and
/// as text. The issuer is in the label and in the parameter. The app counts after its first right code.
#[tokio::test]
async fn an_app_of_another_make_reads_the_code_and_counts_after_its_first_digits() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let begun = done(&site, &ann, "beginApp", "secret uri setup").await;
    let (uri, secret) = (begun["uri"].as_str().unwrap(), begun["secret"].as_str().unwrap());
    let label = "otpauth://totp/Example:ann%40example.com?";
    assert!(uri.starts_with(label) && uri.contains("&issuer=Example"), "{uri}");
    let (phone, typed) = (Phone::reading(uri), totp_rs::Secret::try_from_base32(secret).unwrap());
    assert_eq!(phone.0.issuer(), Some("Example"));
    assert_eq!(typed.as_ref().len(), 20);
    let by_hand = totp_rs::Builder::new().with_secret(typed).with_account_name("ann");
    assert_eq!(Phone(by_hand.build().unwrap()).code(&site), phone.code(&site));

    let setup = begun["setup"].as_str().unwrap();
    let wrong = if phone.code(&site) == "000000" { "000001" } else { "000000" };
    let call = |code: &str| format!("addApp(setup: \"{setup}\", code: \"{code}\")");
    assert_eq!(refusal(&site, &ann, &call(wrong)).await, "invalid_otp");
    assert!(logs_in_by_password_alone(&site, &ann).await);
    done(&site, &ann, &call(&phone.code(&site)), "").await;
    assert!(!logs_in_by_password_alone(&site, &ann).await);
    log_in(&site, "ann", &phone.next(&site)).await;
    let me = site.ask(&ann, "{ me { hasSecondFactor recoveryCodesLeft } }", Value::Null).await;
    let expected = json!({ "hasSecondFactor": true, "recoveryCodesLeft": 10 });
    assert_eq!(me.json()["data"]["me"], expected);
}

/// C8, C11: neither the secret nor a recovery code is in the table.
#[tokio::test]
async fn the_table_has_neither_the_secret_of_an_app_nor_a_recovery_code() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let begun = done(&site, &ann, "beginApp", "secret uri setup").await;
    let secret = begun["secret"].as_str().unwrap();
    let phone = Phone::reading(begun["uri"].as_str().unwrap());
    let (setup, code) = (begun["setup"].as_str().unwrap(), phone.code(&site));
    let call = format!("addApp(setup: \"{setup}\", code: \"{code}\")");
    let codes = texts(&done(&site, &ann, &call, "recoveryCodes").await["recoveryCodes"]);
    let bytes = totp_rs::Secret::try_from_base32(secret).unwrap();
    let forms = [secret.to_owned(), forge::part(bytes.as_ref())];
    let table = site.dump().await.join("\n");
    for form in forms {
        assert!(!table.contains(&form));
    }
    for code in &codes {
        let bare = code.replace('-', "");
        assert_eq!((bare.len(), table.contains(&bare[..4])), (16, true), "{code}");
        assert!(!table.contains(&bare[4..]) && !table.contains(code), "{code}");
    }
    assert_eq!(codes.len(), 10);
}

/// C5: an account whose address was never verified may belong to a stranger.
#[tokio::test]
async fn an_account_whose_address_is_not_proven_has_no_second_factor() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(refusal(&site, &ann, "beginApp").await, "not_verified");
    let call = "addApp(setup: \"x\", code: \"000000\")";
    assert_eq!(refusal(&site, &ann, call).await, "not_verified");
}

/// C6: a new app needs a proof that is at most five minutes old. The owner gets a mail, and there is an event.
#[tokio::test]
async fn an_app_is_added_by_the_password_or_a_recent_log_in_and_the_owner_gets_a_mail() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.deliver_mail().await;
    site.advance(SignedDuration::from_secs(301));
    assert_eq!(refusal(&site, &ann, "beginApp").await, "reauthentication_required");
    let call = "beginApp(password: \"a guess\")";
    assert_eq!(refusal(&site, &ann, call).await, "invalid_password");
    done(&site, &ann, &format!("beginApp(password: \"{PASSWORD}\")"), "").await;
    let ann = site.log_in(&ann).await;
    let secured = secure(&site, &ann).await;
    let events = site.activity(&secured.ann).await["events"].clone();
    assert!(
        events.as_array().unwrap().iter().any(|event| event["event"] == "app_added"),
        "{events}"
    );
    assert_eq!(site.mails_to("ann@example.com").await.len(), 2);
}

/// C6: the setup token of a new app belongs to its session, and is valid for 15 minutes. A second app does not replace
/// the first.
#[tokio::test]
async fn the_setup_of_an_app_works_in_its_session_for_a_quarter_of_an_hour() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let begun = done(&site, &ann, "beginApp", "uri setup").await;
    let (phone, setup) =
        (Phone::reading(begun["uri"].as_str().unwrap()), begun["setup"].as_str().unwrap());
    let call = |site: &Site| format!("addApp(setup: \"{setup}\", code: \"{}\")", phone.code(site));
    let elsewhere = site.log_in(&ann).await;
    let bob = site.signed_in("bob").await;
    for other in [&elsewhere, &bob] {
        assert_eq!(refusal(&site, other, &call(&site)).await, "invalid_token");
    }
    site.advance(SignedDuration::from_secs(901));
    let fresh = site.refreshed(&ann).await;
    assert_eq!(refusal(&site, &fresh, &call(&site)).await, "expired_token");
    let elsewhere = site.log_in(&ann).await;
    let begun = done(&site, &elsewhere, "beginApp", "uri setup").await;
    let secured = secure(&site, &elsewhere).await;
    let late = Phone::reading(begun["uri"].as_str().unwrap()).code(&site);
    let call = format!("addApp(setup: \"{}\", code: \"{late}\")", begun["setup"].as_str().unwrap());
    assert_eq!(refusal(&site, &secured.ann, &call).await, "factor_exists");
    assert_eq!(refusal(&site, &secured.ann, "beginApp").await, "factor_exists");
}

/// C11: new codes invalidate all earlier ones. The user sees the number of the codes that are left.
#[tokio::test]
async fn new_recovery_codes_void_those_from_before_and_the_number_of_them_is_shown() {
    let site = Site::start().await;
    let Secured { ann, phone, recovery_codes: old } = with_ann(&site).await;
    let answer = done(&site, &ann, "replaceRecoveryCodes", "recoveryCodes").await;
    let new = texts(&answer["recoveryCodes"]);
    assert_eq!(new.len(), 10);
    let challenge = first_step(&site, "ann", &[]).await;
    for code in &old {
        assert_eq!(second_step_refusal(&site, &challenge, code).await, "invalid_otp");
    }
    let ann = log_in(&site, "ann", &new[3].to_uppercase().replace('-', " ")).await;
    let me = site.ask(&ann, "{ me { recoveryCodesLeft } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"]["recoveryCodesLeft"], 9);
    log_in(&site, "ann", &phone.next(&site)).await;
}

/// C6: the removal of the app deletes the recovery codes, too, and the owner gets a mail.
#[tokio::test]
async fn without_the_app_a_password_is_enough_and_no_recovery_code_is_left() {
    let site = Site::start().await;
    let Secured { ann, recovery_codes, .. } = with_ann(&site).await;
    let challenge = first_step(&site, "ann", &[]).await;
    site.deliver_mail().await;
    let before = site.mails_to("ann@example.com").await.len();
    done(&site, &ann, "removeApp", "").await;
    assert_eq!(site.mails_to("ann@example.com").await.len(), before + 1);
    assert_eq!(second_step_refusal(&site, &challenge, &recovery_codes[0]).await, "invalid_token");
    assert!(logs_in_by_password_alone(&site, &ann).await);
    assert!(site.items("USER#").await.iter().all(|sort| sort != "FACTORS"));
    for call in ["removeApp", "replaceRecoveryCodes", "stepUp(code: \"000000\")"] {
        assert_eq!(refusal(&site, &ann, call).await, "no_second_factor", "{call}");
    }
    secure(&site, &site.log_in(&ann).await).await;
    assert!(!logs_in_by_password_alone(&site, &ann).await);
}

/// Of two requests that add an app at the same time, one succeeds.
#[tokio::test]
async fn of_two_apps_that_are_added_at_once_one_counts() {
    let site = std::sync::Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let begun = done(&site, &ann, "beginApp", "uri setup").await;
        let phone = Phone::reading(begun["uri"].as_str().unwrap());
        calls.push((begun["setup"].as_str().unwrap().to_owned(), phone));
    }
    let answers = journeys::at_once(2, |number| {
        let (site, ann, (setup, phone)) = (site.clone(), ann.clone(), calls[number].clone());
        async move {
            let call = format!("addApp(setup: \"{setup}\", code: \"{}\")", phone.code(&site));
            (mutate(&site, &ann, &call, "recoveryCodes").await, phone)
        }
    });
    let answers = answers.await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer["success"] == true);
    assert_eq!((won.len(), lost.len()), (1, 1));
    let code = journeys::failure_code(&lost[0].0);
    assert!(["factor_exists", "unauthenticated"].contains(&code), "{}", lost[0].0);
    let codes = texts(&won[0].0["recoveryCodes"]);
    log_in(&site, "ann", &won[0].1.next(&site)).await;
    log_in(&site, "ann", &codes[0]).await;
}

/// The same by REST, with every path.
#[tokio::test]
async fn the_rest_api_adds_proves_and_removes_an_app() {
    let site = Site::start().await;
    let tokens = site.rest_signed_in("ann").await;
    let post = |header: String, path: &'static str, body: Value| {
        let site = &site;
        async move { site.rest_as(axum::http::Method::POST, Some(&header), path, body).await }
    };
    let begun = post(tokens.header(), "app/begin/", json!({})).await.json();
    let phone = Phone::reading(begun["uri"].as_str().unwrap());
    let body = json!({ "setup": begun["setup"], "code": phone.code(&site) });
    let answer = post(tokens.header(), "app/add/", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(texts(&answer.json()["recovery_codes"]).len(), 10);
    let tokens = answer.tokens();
    site.advance(SignedDuration::from_secs(301));
    for path in ["app/remove/", "recovery-codes/replace/"] {
        let refused = post(tokens.header(), path, json!({})).await.refusal();
        assert_eq!(refused, (403, "step_up_required".to_owned()), "{path}");
    }
    let missing = post(tokens.header(), "step-up/", json!({})).await;
    assert_eq!(missing.json()["errors"]["password"][0]["code"], "required", "{}", missing.text);
    let refused = post(tokens.header(), "step-up/", json!({ "password": PASSWORD })).await;
    assert_eq!(refused.refusal(), (403, "step_up_required".to_owned()));
    let refused = post(tokens.header(), "step-up/", json!({ "code": "12345" })).await;
    assert_eq!(refused.refusal(), (400, "invalid_otp".to_owned()));
    let body = json!({ "code": phone.code(&site) });
    let tokens = post(tokens.header(), "step-up/", body).await.tokens();
    assert_eq!(proof(&tokens.access).1, "aal2");
    let answer = post(tokens.header(), "recovery-codes/replace/", json!({})).await;
    let codes = texts(&answer.json()["recovery_codes"]);
    let challenge =
        site.rest("login/", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    assert_eq!(challenge.status, 401);
    let body = json!({ "challenge": challenge.json()["challenge"], "code": codes[0] });
    let opened = site.rest("login/second-factor/", body).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let header = tokens.header();
    let me = site.rest_as(axum::http::Method::GET, Some(&header), "me/", Value::Null).await.json();
    assert_eq!((&me["has_second_factor"], &me["recovery_codes_left"]), (&json!(true), &json!(9)));
    assert_eq!(post(tokens.header(), "app/remove/", json!({})).await.status, 204);
    let me = site.rest_as(axum::http::Method::GET, Some(&header), "me/", Value::Null).await.json();
    assert_eq!((&me["has_second_factor"], &me["recovery_codes_left"]), (&json!(false), &json!(0)));
}
