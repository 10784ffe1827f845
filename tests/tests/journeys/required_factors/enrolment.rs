//! What the challenge of a log-in does, and what it does not.

use accounts::model::{Client, EventKind, RefreshTokens, Trail};
use jiff::SignedDuration;
use journeys::{DIALECTS, PASSWORD, Site, at_once, failure_code};
use serde_json::{Value, json};

use super::{ALL, add_app, code, first_step, outcome, try_password};
use crate::passkeys::browser::Browser;
use crate::second_factor::{Phone, proof};

/// Ann has signed up, and must add a factor.
async fn with_ann() -> Site {
    let site = Site::start().await;
    site.signed_in("ann").await;
    site.restarted_with(ALL)
}

#[tokio::test]
async fn in_each_dialect_an_app_opens_the_session() {
    let site = Site::start().await;
    for dialect in DIALECTS {
        site.signed_in(&format!("{dialect:?}").to_lowercase()).await;
    }
    let site = site.restarted_with(ALL);
    for dialect in DIALECTS {
        let name = format!("{dialect:?}").to_lowercase();
        let email = format!("{name}@example.com");
        let challenge = dialect.setup_step(&site, &name, &email, PASSWORD).await;
        let (uri, setup) = dialect.begin_app(&site, &challenge).await.unwrap();
        let phone = Phone::reading(&uri);
        let wrong = dialect.add_app(&site, &challenge, &setup, "000 000").await;
        assert_eq!(wrong.unwrap_err(), "invalid_otp", "{dialect:?}");
        let added = dialect.add_app(&site, &challenge, &setup, &phone.code(&site)).await;
        let (held, codes) = added.unwrap();
        assert_eq!(codes, 10, "{dialect:?}");
        assert_eq!(dialect.who(&site, &held).await.as_deref(), Ok(&*name));
        let (amr, acr, _) = proof(&held.access);
        assert_eq!((amr, acr), (json!(["pwd", "otp", "mfa"]), json!("aal2")));
        let next = dialect.refresh(&site, &held).await.unwrap();
        assert_eq!(dialect.who(&site, &next).await.as_deref(), Ok(&*name));
        // From now on, a log-in has two steps.
        dialect.first_step(&site, &name, &email, PASSWORD).await;
    }
}

#[tokio::test]
async fn a_passkey_opens_the_session_by_graphql() {
    let (site, mut browser) = (with_ann().await, Browser::new());
    let challenge = first_step(&site, "ann").await;
    let document = "mutation($h: String!) { it: beginPasskey(challenge: $h) { success options } }";
    let begun = site.graphql(document, json!({ "h": challenge })).await.json();
    let credential = browser.create(begun["data"]["it"]["options"].as_str().unwrap()).await;
    let document = "mutation($h: String!, $c: String!) {
        it: addPasskey(challenge: $h, credential: $c, name: \"Phone\") {
            success errors recoveryCodes token refreshToken }
        updateAccount(firstName: \"Ann\") { success } }";
    let variables = json!({ "h": challenge, "c": credential });
    let answer = site.graphql(document, variables.clone()).await.json();
    let added = &answer["data"]["it"];
    assert_eq!(added["recoveryCodes"].as_array().unwrap().len(), 10, "{answer}");
    let (amr, acr, _) = proof(added["token"].as_str().unwrap());
    assert_eq!((amr, acr), (json!(["pwd", "pop", "mfa"]), json!("aal2")));
    // The user is the caller of the rest of the document.
    assert_eq!(answer["data"]["updateAccount"]["success"], true, "{answer}");
    let again = site.graphql(document, variables).await.json();
    assert_eq!(failure_code(&again["data"]["it"]), "invalid_token", "{again}");
    let options = site.accounts.begin_passkey_log_in(&Client::default()).await.unwrap();
    let answer = browser.get(&options).await;
    site.accounts.passkey_log_in(&answer, &Client::default()).await.unwrap();
}

#[tokio::test]
async fn the_owner_gets_a_mail_and_the_trail_has_the_factor_and_the_log_in() {
    let site = with_ann().await;
    let (_, added) = add_app(&site, &first_step(&site, "ann").await).await.unwrap();
    site.deliver_mail().await;
    let mails = site.mails_to("ann@example.com").await;
    assert!(mails.iter().any(|mail| mail.subject.contains("second factor")), "{mails:?}");
    let user = added.opened.caller.user.id;
    let page = site.store.trail(Trail::Of(user), None, 2).await.unwrap();
    let kinds: Vec<_> = page.events.iter().map(|event| event.event).collect();
    assert_eq!(kinds, [EventKind::LoggedIn, EventKind::AppAdded]);
}

/// Neither is taken for the other: otherwise a challenge would be worth more than the proof behind it.
#[tokio::test]
async fn the_challenge_opens_no_other_operation() {
    let site = with_ann().await;
    let challenge = first_step(&site, "ann").await;
    let header = format!("Bearer {challenge}");
    let me = site.graphql_as(Some(&header), "{ me { username } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"], Value::Null, "{me}");
    assert_eq!(failure_code(&site.refresh_token(&challenge).await), "invalid_token");
    assert_eq!(failure_code(&site.verify_token(&challenge).await), "invalid_token");
    let client = Client::default();
    let accounts = &site.accounts;
    assert_eq!(
        code(accounts.complete_log_in(&challenge, "123456", &client).await),
        "invalid_token"
    );
    assert_eq!(code(accounts.begin_second_step(&challenge, &client).await), "invalid_token");
    let (phone, _) = add_app(&site, &challenge).await.unwrap();
    // The challenge of a second step adds no factor.
    let error = try_password(&site, "ann", PASSWORD).await.unwrap_err();
    let accounts::error::AuthError::SecondFactorRequired { challenge } = error else {
        panic!("{error:?}");
    };
    assert_eq!(code(accounts.begin_app_to_log_in(&challenge, &client).await), "invalid_token");
    assert_eq!(code(accounts.begin_passkey_to_log_in(&challenge, &client).await), "invalid_token");
    site.advance(SignedDuration::from_secs(30));
    accounts.complete_log_in(&challenge, &phone.code(&site), &client).await.unwrap();
}

#[tokio::test]
async fn a_challenge_adds_one_factor_even_if_it_is_used_twice_at_once() {
    let site = with_ann().await;
    let (challenge, client) = (first_step(&site, "ann").await, Client::default());
    let mut setups = Vec::new();
    for _ in 0..2 {
        let app = site.accounts.begin_app_to_log_in(&challenge, &client).await.unwrap();
        setups.push((app.setup, Phone::reading(&app.uri).code(&site)));
    }
    site.meet("TransactWriteItems", 2);
    let answers = at_once(2, |number| {
        let (accounts, challenge, client) =
            (site.accounts.clone(), challenge.clone(), client.clone());
        let (setup, code) = setups[number].clone();
        async move { accounts.add_app_to_log_in(&challenge, &setup, &code, &client).await }
    })
    .await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 1));
    assert!(refused.into_iter().all(|answer| code(answer) == "invalid_token"));
    let opened = done.into_iter().next().unwrap().unwrap().opened;
    let sessions = site.accounts.sessions(&opened.caller).await.unwrap();
    assert_eq!(sessions.len(), 3, "two are from before: of the sign-up, and of the log-in");
    site.accounts.authenticate(&opened.tokens.access).await.unwrap();
}

/// Two log-ins wait at the same time. The factor of the first one protects the account from the second one.
#[tokio::test]
async fn a_second_challenge_is_void_once_the_user_has_a_factor() {
    let site = with_ann().await;
    let [one, two] = [first_step(&site, "ann").await, first_step(&site, "ann").await];
    let client = Client::default();
    let begun = site.accounts.begin_app_to_log_in(&two, &client).await.unwrap();
    add_app(&site, &one).await.unwrap();
    let typed = Phone::reading(&begun.uri).code(&site);
    let late = site.accounts.add_app_to_log_in(&two, &begun.setup, &typed, &client).await;
    assert_eq!(code(late), "invalid_token");
    assert_eq!(code(site.accounts.begin_passkey_to_log_in(&two, &client).await), "invalid_token");
}

#[tokio::test]
async fn a_challenge_is_void_after_its_time_and_after_another_password() {
    let site = with_ann().await;
    let challenge = first_step(&site, "ann").await;
    site.advance(SignedDuration::from_secs(15 * 60 - 1));
    let client = Client::default();
    site.accounts.begin_app_to_log_in(&challenge, &client).await.unwrap();
    site.advance(SignedDuration::from_secs(1));
    assert_eq!(code(add_app(&site, &challenge).await), "expired_token");

    let challenge = first_step(&site, "ann").await;
    let begun = site.accounts.begin_app_to_log_in(&challenge, &client).await.unwrap();
    site.send_password_reset("ann@example.com").await;
    let token = site.link_token("ann@example.com").await;
    let new = "an other jf84jfKKd";
    assert_eq!(site.reset_password(&token, new, new).await["success"], true);
    let typed = Phone::reading(&begun.uri).code(&site);
    let late = site.accounts.add_app_to_log_in(&challenge, &begun.setup, &typed, &client).await;
    assert_eq!(code(late), "invalid_token");
    assert_eq!(outcome(&site, "ann").await, "invalid_credentials");
}

#[tokio::test]
async fn the_secret_and_the_question_belong_to_one_log_in() {
    let site = Site::start().await;
    for name in ["ann", "bob"] {
        site.signed_in(name).await;
    }
    let site = site.restarted_with(ALL);
    let mut browser = Browser::new();
    let [ann, bob] = [first_step(&site, "ann").await, first_step(&site, "bob").await];
    let (accounts, client) = (&site.accounts, Client::default());
    let begun = accounts.begin_app_to_log_in(&bob, &client).await.unwrap();
    let typed = Phone::reading(&begun.uri).code(&site);
    // Of another user, and of another log-in of the same user.
    for challenge in [&ann, &first_step(&site, "bob").await] {
        let refused = accounts.add_app_to_log_in(challenge, &begun.setup, &typed, &client).await;
        assert_eq!(code(refused), "invalid_token");
        let options = accounts.begin_passkey_to_log_in(&bob, &client).await.unwrap();
        let answer = browser.create(&options).await;
        let refused = accounts.add_passkey_to_log_in(challenge, &answer, "", &client).await;
        assert_eq!(code(refused), "invalid_token");
    }
}

#[tokio::test]
async fn a_challenge_of_the_pages_opens_no_api_and_the_other_way_round() {
    let site = with_ann().await;
    let of_api = first_step(&site, "ann").await;
    let kinds = [RefreshTokens::Account, RefreshTokens::Console];
    for refresh_tokens in kinds {
        let client = Client { refresh_tokens, ..Client::default() };
        let refused = site.accounts.begin_app_to_log_in(&of_api, &client).await;
        assert_eq!(code(refused), "invalid_token");
    }
    let area = accounts::operations::Area::Account;
    let password = accounts::model::PlainPassword::new(PASSWORD);
    let opened = site.accounts.open_pages(area, "ann", password, &Client::default()).await;
    let Err(accounts::error::AuthError::SecondFactorSetupRequired { challenge }) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(code(add_app(&site, &challenge).await), "invalid_token");
}

/// Wrong first codes count as those of a session do.
#[tokio::test]
async fn wrong_first_codes_lock_the_log_in() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in("ann").await;
    let site = site.restarted_with(&[("THROTTLE", "on"), ("MFA_REQUIRED", "all")]);
    let (challenge, client) = (first_step(&site, "ann").await, Client::default());
    let begun = site.accounts.begin_app_to_log_in(&challenge, &client).await.unwrap();
    for expected in ["invalid_otp"; 5].into_iter().chain(["throttled"]) {
        let answer = site.accounts.add_app_to_log_in(&challenge, &begun.setup, "000000", &client);
        assert_eq!(code(answer.await), expected);
    }
}

/// The client has sent the form, and the answer was lost: the app is stored, and logs in.
#[tokio::test]
async fn after_a_lost_answer_the_user_logs_in_by_the_new_factor() {
    let site = with_ann().await;
    let (challenge, client) = (first_step(&site, "ann").await, Client::default());
    let begun = site.accounts.begin_app_to_log_in(&challenge, &client).await.unwrap();
    let phone = Phone::reading(&begun.uri);
    let typed = phone.code(&site);
    let add = || site.accounts.add_app_to_log_in(&challenge, &begun.setup, &typed, &client);
    drop(add().await.unwrap());
    assert_eq!(code(add().await), "invalid_token");
    let error = try_password(&site, "ann", PASSWORD).await.unwrap_err();
    let accounts::error::AuthError::SecondFactorRequired { challenge } = error else {
        panic!("{error:?}");
    };
    site.advance(SignedDuration::from_secs(30));
    let opened = site.accounts.complete_log_in(&challenge, &phone.code(&site), &client).await;
    // The codes of the lost answer reached no user: the user makes new ones.
    let caller = opened.unwrap().caller;
    assert_eq!(site.accounts.replace_recovery_codes(&caller).await.unwrap().len(), 10);
}
