//! Passkeys, at the core: add them, log in by them, lose them.

mod api;

use accounts::error::AuthError;
use accounts::model::{Client, EventKind, PlainPassword, Role};
use accounts::operations::second_factor::StepUp;
use accounts::operations::{Caller, Credentials, LoggedIn};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
pub(crate) use journeys::browser;
use journeys::browser::Browser;
use journeys::{Actor, PASSWORD, Site, at_once};
use serde_json::{Value, json};

/// Ann with a passkey in that browser.
pub(crate) async fn with_passkey(site: &Site, browser: &mut Browser) -> (Actor, Caller) {
    let ann = site.signed_in("ann").await;
    let caller = site.caller(&ann).await;
    let caller = add(site, &caller, browser, "").await;
    (ann, caller)
}

/// Adds a passkey. Gives the caller after it.
pub(crate) async fn add(site: &Site, caller: &Caller, browser: &mut Browser, name: &str) -> Caller {
    let options = site.accounts.begin_passkey(caller, None).await.unwrap();
    let answer = browser.create(&options).await;
    let added = site.accounts.add_passkey(caller, &answer, name).await.unwrap();
    site.accounts.authenticate(&added.tokens.access).await.unwrap()
}

/// Logs in by the passkey alone.
async fn log_in(site: &Site, browser: &mut Browser) -> Result<LoggedIn, AuthError> {
    let client = Client::default();
    let options = site.accounts.begin_passkey_log_in(&client).await?;
    let answer = browser.get(&options).await;
    site.accounts.passkey_log_in(&answer, &client).await
}

/// The token of the first step of a log-in by password.
pub(crate) async fn first_step(site: &Site, name: &str) -> String {
    let (who, password) = (Credentials::Username(name.to_owned()), PlainPassword::new(PASSWORD));
    match site.accounts.log_in(who, password, &Client::default()).await {
        Err(AuthError::SecondFactorRequired { challenge }) => challenge,
        other => panic!("{other:?}"),
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, AuthError>) -> &'static str {
    answer.unwrap_err().code()
}

/// The kinds of the events of a user, newest first.
async fn events(site: &Site, ann: &Actor) -> Vec<EventKind> {
    let trail = accounts::model::Trail::Of(ann.user_id());
    let page = site.store.trail(trail, None, 20).await.unwrap();
    page.events.iter().map(|event| event.event).collect()
}

async fn unique_keys(site: &Site) -> usize {
    site.dump().await.iter().filter(|item| item.contains("PASSKEY#")).count()
}

#[tokio::test]
async fn a_passkey_logs_in_without_a_name_and_is_two_factors() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let ann = site.signed_in("ann").await;
    let caller = site.caller(&ann).await;
    let options = site.accounts.begin_passkey(&caller, None).await.unwrap();
    let answer = browser.create(&options).await;
    let added = site.accounts.add_passkey(&caller, &answer, " The key ").await.unwrap();
    assert_eq!(added.recovery_codes.len(), 10);
    let claims = &added.tokens.claims;
    assert_eq!((claims.amr.join(" "), claims.acr.as_str()), ("pwd pop mfa".to_owned(), "aal2"));
    site.deliver_mail().await;
    let mails = site.mails_to("ann@example.com").await;
    assert!(mails.iter().any(|mail| mail.subject.contains("second factor")), "{mails:?}");

    site.advance(SignedDuration::from_mins(1));
    let opened = log_in(&site, &mut browser).await.unwrap();
    assert_eq!(opened.caller.user.id, ann.user_id());
    let claims = &opened.tokens.claims;
    assert_eq!((claims.amr.join(" "), claims.acr.as_str()), ("pop mfa".to_owned(), "aal2"));
    assert!(opened.caller.session.has_recent_second_factor(site.now()));
    let list = site.accounts.passkeys(&opened.caller).await.unwrap();
    assert_eq!(list.passkeys.len(), 1);
    assert_eq!(list.passkeys[0].name, "The key");
    assert_eq!(list.passkeys[0].last_used_at, Some(site.now()));
    let kinds = events(&site, &ann).await;
    assert_eq!(kinds[..2], [EventKind::LoggedIn, EventKind::PasskeyAdded]);
}

/// C12: the options of the product.
#[tokio::test]
async fn the_options_reveal_nothing_about_the_user_and_the_authenticator_gets_neither_id_nor_address()
 {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (ann, caller) = with_passkey(&site, &mut browser).await;
    let created = site.accounts.begin_passkey(&caller, None).await.unwrap();
    let created: Value = serde_json::from_str(&created).unwrap();
    assert_eq!(created["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(created["attestation"], "none");
    assert_eq!(created["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(created["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(created["rp"]["id"], "accounts.example");
    let handle = URL_SAFE_NO_PAD.decode(created["user"]["id"].as_str().unwrap()).unwrap();
    assert_eq!(handle.len(), 32);
    assert!(!handle.windows(16).any(|part| part == ann.user_id().to_string().as_bytes()));
    let log_in = site.accounts.begin_passkey_log_in(&Client::default()).await.unwrap();
    let log_in: Value = serde_json::from_str(&log_in).unwrap();
    assert_eq!(log_in["allowCredentials"], serde_json::json!([]));
    assert_eq!(log_in["userVerification"], "required");
    assert_eq!(URL_SAFE_NO_PAD.decode(log_in["challenge"].as_str().unwrap()).unwrap().len(), 32);
}

#[tokio::test]
async fn a_passkey_is_the_second_step_after_the_password() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let client = Client::default();
    let challenge = first_step(&site, "ann").await;
    let options = site.accounts.begin_second_step(&challenge, &client).await.unwrap();
    let answer = browser.get(&options).await;
    let opened = site.accounts.complete_log_in_by_passkey(&challenge, &answer, &client).await;
    let claims = opened.unwrap().tokens.claims;
    assert_eq!((claims.amr.join(" "), claims.acr.as_str()), ("pwd pop mfa".to_owned(), "aal2"));
    // The token of the first step is used up.
    let options = site.accounts.begin_second_step(&challenge, &client).await.unwrap();
    let answer = browser.get(&options).await;
    let again = site.accounts.complete_log_in_by_passkey(&challenge, &answer, &client).await;
    assert_eq!(code(again), "invalid_token");
}

#[tokio::test]
async fn an_answer_counts_only_for_the_log_in_that_asked() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let client = Client::default();
    let (first, other) = (first_step(&site, "ann").await, first_step(&site, "ann").await);
    let options = site.accounts.begin_second_step(&first, &client).await.unwrap();
    let answer = browser.get(&options).await;
    let refused = site.accounts.complete_log_in_by_passkey(&other, &answer, &client).await;
    assert_eq!(code(refused), "invalid_token");
    // It is used up all the same.
    let again = site.accounts.complete_log_in_by_passkey(&first, &answer, &client).await;
    assert_eq!(code(again), "invalid_token");
    // Without user verification, it does not log in alone.
    let options = site.accounts.begin_second_step(&first, &client).await.unwrap();
    let answer = browser.get(&options).await;
    assert_eq!(code(site.accounts.passkey_log_in(&answer, &client).await), "invalid_token");
}

/// C12: a challenge is deleted before the answer is verified.
#[tokio::test]
async fn an_answer_counts_once_and_in_time() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let client = Client::default();
    let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
    let answer = browser.get(&options).await;
    site.accounts.passkey_log_in(&answer, &client).await.unwrap();
    assert_eq!(code(site.accounts.passkey_log_in(&answer, &client).await), "invalid_token");
    let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
    let answer = browser.get(&options).await;
    site.advance(SignedDuration::from_mins(5));
    assert_eq!(code(site.accounts.passkey_log_in(&answer, &client).await), "invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_equal_answers_at_once_opens_a_session() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let client = Client::default();
    let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
    let answer = browser.get(&options).await;
    let (accounts, elsewhere) = (site.accounts.clone(), site.elsewhere.clone());
    let answers = at_once(12, |number| {
        let accounts = if number % 2 == 0 { accounts.clone() } else { elsewhere.clone() };
        let (answer, client) = (answer.clone(), client.clone());
        async move { accounts.passkey_log_in(&answer, &client).await.is_ok() }
    });
    assert_eq!(answers.await.into_iter().filter(|is_open| *is_open).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_at_once_by_different_answers_all_open_a_session() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    with_passkey(&site, &mut browser).await;
    let client = Client::default();
    let mut answers = Vec::new();
    for _ in 0..4 {
        let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
        answers.push(browser.get(&options).await);
    }
    let accounts = site.accounts.clone();
    let opened = at_once(answers.len(), |number| {
        let (accounts, answer) = (accounts.clone(), answers[number].clone());
        async move { accounts.passkey_log_in(&answer, &Client::default()).await.map(drop) }
    });
    for opened in opened.await {
        opened.unwrap();
    }
}

/// C14: a counter that has gone back.
#[tokio::test]
async fn a_copy_of_an_authenticator_is_refused_and_mailed() {
    let (site, mut browser) = (Site::start().await, Browser::counting());
    let (ann, _) = with_passkey(&site, &mut browser).await;
    let mut copy = browser.copied();
    log_in(&site, &mut browser).await.unwrap();
    log_in(&site, &mut browser).await.unwrap();
    let sessions = site.store.sessions(ann.user_id()).await.unwrap().len();
    assert_eq!(code(log_in(&site, &mut copy).await), "invalid_passkey");
    assert_eq!(site.store.sessions(ann.user_id()).await.unwrap().len(), sessions);
    assert_eq!(events(&site, &ann).await[0], EventKind::PasskeyCloned);
    site.deliver_mail().await;
    let mails = site.mails_to("ann@example.com").await;
    let result = mails.iter().filter(|mail| mail.subject.contains("copy of a passkey")).count();
    assert_eq!(result, 1, "{mails:?}");
    // The original goes on.
    log_in(&site, &mut browser).await.unwrap();
}

#[tokio::test]
async fn a_passkey_is_a_proof_in_a_session_too() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (_, caller) = with_passkey(&site, &mut browser).await;
    site.advance(SignedDuration::from_mins(6));
    let id = site.accounts.passkeys(&caller).await.unwrap().passkeys[0].credential.id.to_string();
    assert_eq!(code(site.accounts.remove_passkey(&caller, &id).await), "step_up_required");
    assert_eq!(code(site.accounts.begin_passkey(&caller, None).await), "step_up_required");
    // An answer to another challenge proves nothing.
    let options = site.accounts.begin_passkey_log_in(&Client::default()).await.unwrap();
    let other = StepUp::Passkey(browser.get(&options).await);
    assert_eq!(code(site.accounts.step_up(&caller, other).await), "invalid_token");
    let options = site.accounts.begin_step_up(&caller).await.unwrap();
    let proof = StepUp::Passkey(browser.get(&options).await);
    let tokens = site.accounts.step_up(&caller, proof.clone()).await.unwrap();
    assert_eq!(code(site.accounts.step_up(&caller, proof).await), "invalid_token");
    let caller = site.accounts.authenticate(&tokens.access).await.unwrap();
    let left = site.accounts.remove_passkey(&caller, &id).await.unwrap();
    assert!(left.passkeys.is_empty());
    let accepted: Value = serde_json::from_str(&left.accepted.unwrap()).unwrap();
    assert_eq!(accepted["rpId"], "accounts.example");
    assert_eq!(accepted["allAcceptedCredentialIds"], serde_json::json!([]));
}

#[tokio::test]
async fn a_removed_passkey_logs_in_no_more_and_the_password_alone_does() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (ann, caller) = with_passkey(&site, &mut browser).await;
    let id = site.accounts.passkeys(&caller).await.unwrap().passkeys[0].credential.id.to_string();
    assert_eq!(unique_keys(&site).await, 1);
    site.accounts.remove_passkey(&caller, &id).await.unwrap();
    assert_eq!(unique_keys(&site).await, 0);
    assert_eq!(code(log_in(&site, &mut browser).await), "invalid_passkey");
    site.log_in(&ann).await;
    let kinds = events(&site, &ann).await;
    assert!(kinds.contains(&EventKind::PasskeyRemoved), "{kinds:?}");
    assert_eq!(code(site.accounts.remove_passkey(&caller, &id).await), "not_found");
}

#[tokio::test]
async fn the_last_passkey_of_a_user_without_a_password_stays() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (mut first, mut second) = (Browser::new(), Browser::new());
    let caller = add(&site, &site.caller(&ann).await, &mut first, "first").await;
    add(&site, &caller, &mut second, "second").await;
    let mut user = site.item("USER#", "USER").await;
    user.remove("password");
    site.put(user).await;
    let caller = log_in(&site, &mut first).await.unwrap().caller;
    let list = site.accounts.passkeys(&caller).await.unwrap().passkeys;
    let ids: Vec<String> = list.iter().map(|it| it.credential.id.to_string()).collect();
    site.accounts.remove_passkey(&caller, &ids[0]).await.unwrap();
    assert_eq!(code(site.accounts.remove_passkey(&caller, &ids[1]).await), "last_way_in");
    log_in(&site, &mut second).await.unwrap();
}

#[tokio::test]
async fn a_passkey_gets_another_name() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (ann, caller) = with_passkey(&site, &mut browser).await;
    let passkey = site.accounts.passkeys(&caller).await.unwrap().passkeys.remove(0);
    assert_eq!(passkey.name, "Passkey");
    let id = passkey.credential.id.to_string();
    let list = site.accounts.rename_passkey(&caller, &id, "Phone").await.unwrap();
    assert_eq!(list.passkeys[0].name, "Phone");
    let list = site.accounts.passkeys(&caller).await.unwrap();
    assert_eq!(list.passkeys[0].name, "Phone");
    assert_eq!(events(&site, &ann).await[0], EventKind::PasskeyRenamed);
    for bad in ["", "a\u{202e}b", &"x".repeat(101)] {
        let refused = site.accounts.rename_passkey(&caller, &id, bad).await;
        assert_eq!(code(refused), "invalid", "{bad}");
    }
    let bob = site.signed_in("bob").await;
    let bob = site.caller(&bob).await;
    assert_eq!(code(site.accounts.rename_passkey(&bob, &id, "Mine").await), "not_found");
    assert_eq!(code(site.accounts.rename_passkey(&caller, "?", "Mine").await), "not_found");
}

#[tokio::test]
async fn no_credential_is_of_two_users() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (_, caller) = with_passkey(&site, &mut browser).await;
    let anns = site.accounts.passkeys(&caller).await.unwrap().passkeys.remove(0).credential.id;
    let bob = site.signed_in("bob").await;
    let bob = site.caller(&bob).await;
    let options = site.accounts.begin_passkey(&bob, None).await.unwrap();
    let answer = Browser::new().create(&options).await;
    // Bob's authenticator says that its credential has the id of Ann's.
    let mut answer: Value = serde_json::from_str(&answer).unwrap();
    let object = answer["response"]["attestationObject"].as_str().unwrap();
    let mut object = URL_SAFE_NO_PAD.decode(object).unwrap();
    let own = URL_SAFE_NO_PAD.decode(answer["rawId"].as_str().unwrap()).unwrap();
    assert_eq!(own.len(), anns.as_bytes().len());
    let at = object.windows(own.len()).position(|part| part == own).unwrap();
    object[at..at + own.len()].copy_from_slice(anns.as_bytes());
    answer["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(object).into();
    answer["rawId"] = anns.to_string().into();
    answer["id"] = anns.to_string().into();
    let refused = site.accounts.add_passkey(&bob, &answer.to_string(), "").await;
    assert_eq!(code(refused), "invalid_passkey");
    assert!(site.accounts.passkeys(&bob).await.unwrap().passkeys.is_empty());
    assert_eq!(log_in(&site, &mut browser).await.unwrap().caller.user.id, caller.user.id);
}

#[tokio::test]
async fn a_registration_belongs_to_its_session() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let caller = site.caller(&ann).await;
    let options = site.accounts.begin_passkey(&caller, None).await.unwrap();
    let answer = Browser::new().create(&options).await;
    let other = site.caller(&site.log_in(&ann).await).await;
    assert_eq!(code(site.accounts.add_passkey(&other, &answer, "").await), "invalid_token");
    assert_eq!(code(site.accounts.add_passkey(&caller, &answer, "").await), "invalid_token");
    assert_eq!(code(site.accounts.add_passkey(&caller, "{}", "").await), "invalid_passkey");
    // A page of another site gets no passkey for this one.
    let options = site.accounts.begin_passkey(&caller, None).await.unwrap();
    assert!(Browser::at("https://evil-accounts.example").try_create(&options).await.is_none());
    site.advance(SignedDuration::from_mins(6));
    let old = site.accounts.begin_passkey(&caller, None).await;
    assert_eq!(code(old), "reauthentication_required");
}

#[tokio::test]
async fn a_user_has_ten_passkeys_at_most_and_no_authenticator_twice() {
    let (site, mut first) = (Site::start().await, Browser::new());
    let (_, mut caller) = with_passkey(&site, &mut first).await;
    let options = site.accounts.begin_passkey(&caller, None).await.unwrap();
    assert!(first.try_create(&options).await.is_none(), "the browser knows the passkey");
    for _ in 1..10 {
        caller = add(&site, &caller, &mut Browser::new(), "").await;
    }
    assert_eq!(code(site.accounts.begin_passkey(&caller, None).await), "too_many_passkeys");
    assert_eq!(unique_keys(&site).await, 10);
    assert_eq!(log_in(&site, &mut first).await.unwrap().caller.user.id, caller.user.id);
}

#[tokio::test]
async fn an_account_that_is_deleted_leaves_no_unique_key() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let (_, caller) = with_passkey(&site, &mut browser).await;
    let password = PlainPassword::new(PASSWORD);
    site.accounts.delete_account(&caller, password).await.unwrap();
    site.advance(SignedDuration::from_mins(1));
    site.clean_up().await;
    assert_eq!(code(log_in(&site, &mut browser).await), "invalid_passkey");
}

#[tokio::test]
async fn each_challenge_for_a_log_in_counts_for_its_network_until_staff_lift_the_lock() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let client = Client { ip: Some("192.0.2.7".to_owned()), ..Client::default() };
    let mut asked = 0;
    let refused = loop {
        match site.accounts.begin_passkey_log_in(&client).await {
            Ok(_) => asked += 1,
            Err(error) => break error.code(),
        }
        assert!(asked < 1000);
    };
    assert_eq!(refused, "throttled");
    assert_eq!(asked, 300);
    let other = Client { ip: Some("192.0.2.8".to_owned()), ..Client::default() };
    site.accounts.begin_passkey_log_in(&other).await.unwrap();

    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let of_network = "staffNetwork(ip: \"192.0.2.7\") { locks { rule } }";
    let found = site.call(&boss, "query", of_network).await.unwrap();
    assert_eq!(found, json!({ "locks": [{ "rule": "ip_challenges" }] }));
    let lift = "staffLiftNetwork(ip: \"192.0.2.7\") { locks { rule } }";
    assert_eq!(site.call(&boss, "mutation", lift).await.unwrap(), json!({ "locks": [] }));
    site.accounts.begin_passkey_log_in(&client).await.unwrap();
}

#[tokio::test]
async fn a_site_at_an_address_without_a_domain_has_no_passkeys() {
    let site = Site::with(&[("BASE_URL", "https://192.0.2.1")]).await;
    let refused = site.accounts.begin_passkey_log_in(&Client::default()).await;
    assert_eq!(code(refused), "passkeys_off");
    let ann = site.signed_in("ann").await;
    let caller = site.caller(&ann).await;
    assert_eq!(code(site.accounts.begin_passkey(&caller, None).await), "passkeys_off");
}
