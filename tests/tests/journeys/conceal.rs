//! `CONCEAL_ACCOUNTS`: no answer reveals which addresses have accounts.

use accounts::error::{AuthError, Refusal};
use accounts::model::Client;
use axum::http::Method;
use journeys::{Answer, Calls, PASSWORD, Site};
use serde_json::{Value, json};

pub(crate) const ANN: &str = "ann@example.com";
/// Which way has something else wrong, too.
const BAD_PASSWORD: usize = 6;
pub(crate) const OTHER: &str = "another jf84jfKKd";

/// A site where ann has an account.
pub(crate) async fn concealing() -> Site {
    let site = Site::with(&[("CONCEAL_ACCOUNTS", "true")]).await;
    let answer = site.register(ANN, "ann", PASSWORD, PASSWORD).await;
    assert_eq!(
        answer,
        json!({ "success": true, "errors": null, "token": null, "refreshToken": null })
    );
    let link = site.link_token(ANN).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    site.aws.mailbox().clear();
    site
}

/// Every way to sign up, ask for a code and ask for a reset, in all dialects: path and body.
pub(crate) fn ways(email: &str, name: &str) -> Vec<(&'static str, Value)> {
    let graphql = |query: String| ("/graphql", json!({ "query": query }));
    vec![
        graphql(format!(
            "mutation {{ register(email: \"{email}\", username: \"{name}1\", password1: \"{OTHER}\", \
             password2: \"{OTHER}\") {{ success errors token refreshToken }} }}"
        )),
        graphql(format!(
            "mutation {{ createUser(input: {{email: \"{email}\", username: \"{name}2\", \
             password: \"{OTHER}\"}}) {{ ok token refreshToken user {{ username email }} }} }}"
        )),
        graphql(format!(
            "mutation {{ user_register(arg: {{email: \"{email}\", username: \"{name}3\", \
             password: \"{OTHER}\"}}) {{ id username email tokens }} }}"
        )),
        (
            "/api/accounts/signup/",
            json!({ "email": email, "username": format!("{name}4"), "password": OTHER }),
        ),
        ("/api/accounts/signup/", json!({ "email": email, "password": OTHER })),
        (
            "/hasura/actions",
            json!({
                "action": { "name": "user_register" },
                "input": { "arg": { "email": email, "username": format!("{name}5"), "password": OTHER } },
                "session_variables": {},
            }),
        ),
        // With something else wrong, too.
        ("/api/accounts/signup/", json!({ "email": email, "password": "1" })),
        graphql(format!(
            "mutation {{ resendActivationEmail(email: \"{email}\") {{ success errors }} }}"
        )),
        ("/api/accounts/send-otp/", json!({ "email": email })),
        graphql(format!(
            "mutation {{ sendPasswordResetEmail(email: \"{email}\") {{ success errors }} }}"
        )),
        graphql(format!(
            "mutation {{ user_password_reset(arg: {{email: \"{email}\"}}) {{ status }} }}"
        )),
    ]
}

/// How many of the ways sign a user up, if the input is valid.
const SIGN_UPS: usize = 6;
/// An address of each state, and the start of the names that are chosen for it.
const STATES: [(&str, &str); 5] = [
    (ANN, "goodstate"),
    ("unverified@example.com", "neververi"),
    ("banned@example.com", "forbidden"),
    ("pending@example.com", "stillwait"),
    ("unknown@example.com", "neverseen"),
];

/// A site with an address of each state but the last one.
pub(crate) async fn with_all_states() -> Site {
    let site = Site::start().await;
    for name in ["unverified", "banned"] {
        let actor = site.sign_up(name).await;
        site.store.set_active(actor.user_id(), name != "banned").await.unwrap();
    }
    let link = site.signed_in("ann").await;
    assert_eq!(link.email(), ANN);
    let site = site.restarted_with(&[("CONCEAL_ACCOUNTS", "true")]);
    site.sign_up("pending").await;
    site.deliver_mail().await;
    site
}

/// The answer without random and typed values, and its costs: calls, hashes, and the kinds of the written items.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    status: u16,
    text: String,
    calls: usize,
    hashes: u64,
    kinds: Vec<String>,
}

pub(crate) async fn ask(site: &Site, path: &str, body: &Value, typed: &[&str]) -> Told {
    site.calls.take();
    let hashes = site.accounts.password_hashes();
    let before = kinds(site).await;
    let headers = [("content-type", "application/json")];
    let answer: Answer = site.send(Method::POST, path, &headers, body.to_string()).await;
    // How many of them are under way at the same time is left to chance.
    let calls = site.calls.take().calls;
    let mut text = answer.text;
    for typed in typed {
        text = text.replace(typed, "_");
    }
    if let Some(id) = text.find("\"id\":\"") {
        text.replace_range(id + 6..id + 42, "_");
    }
    let mut kinds = kinds(site).await;
    for kind in before {
        let at = kinds.iter().position(|other| *other == kind).expect("nothing is deleted");
        kinds.remove(at);
    }
    let hashes = site.accounts.password_hashes() - hashes;
    Told { status: answer.status.as_u16(), text, calls, hashes, kinds }
}

/// Of each item, the kind.
async fn kinds(site: &Site) -> Vec<String> {
    let items = site.all().await.into_iter();
    let mut kinds: Vec<_> = items.map(|item| item["kind"].as_s().unwrap().clone()).collect();
    kinds.sort();
    kinds
}

#[tokio::test]
pub(crate) async fn addresses_of_every_state_are_answered_alike_for_the_same_work() {
    let count = ways("", "").len();
    for way in 0..count {
        let site = with_all_states().await;
        let mut first: Option<Told> = None;
        for (email, name) in STATES {
            let (path, body) = ways(email, name).remove(way);
            let local = email.split_once('@').unwrap().0;
            let mut result = ask(&site, path, &body, &[email, name, local]).await;
            if way < SIGN_UPS {
                assert_eq!(result.kinds, ["guard", "mail", "pending"], "{path} {way} {email}");
                assert_eq!(result.hashes, 1, "{path} {way} {email}");
                assert_eq!(result.calls, 1, "{path} {way} {email}");
            }
            let is_bad = way == BAD_PASSWORD;
            assert_eq!(result.status >= 400, is_bad, "{result:?}");
            let text = &result.text;
            assert!(!text.contains("errors\":[") && !text.contains("unique"), "{result:?}");
            // A mail or what costs as much.
            for kind in &mut result.kinds {
                if kind == "decoy" {
                    "mail".clone_into(kind);
                }
            }
            if let Some(first) = &first {
                assert_eq!(*first, result, "{path} {way} {email}");
            }
            first = first.or(Some(result));
        }
    }
}

#[tokio::test]
async fn a_log_in_before_a_proof_of_the_address_costs_and_says_what_one_of_an_unknown_user_does() {
    let site = with_all_states().await;
    let mut answers = Vec::new();
    for name in ["unknown", "pending", "unverified", "banned"] {
        for key in [format!("username: \"{name}\""), format!("email: \"{name}@example.com\"")] {
            let password = journeys::PASSWORD;
            let document = format!(
                "mutation {{ tokenAuth({key}, password: \"{password}\") {{ success errors }} }}"
            );
            let result = ask(&site, "/graphql", &json!({ "query": document }), &[]).await;
            assert!(result.text.contains("invalid_credentials"), "{name} {result:?}");
            assert_eq!(result.hashes, 1, "{name}");
            answers.push(result);
        }
    }
    assert!(answers.iter().all(|result| *result == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_second_registration_tells_nothing_of_the_first() {
    for email in [ANN, "new@example.com"] {
        let site = concealing().await;
        let first = site.register(email, "eve", OTHER, OTHER).await;
        assert_eq!(first["success"], true, "{email}");
        let second = site.register("other@example.com", "eve", OTHER, OTHER).await;
        assert_eq!(second["errors"]["username"][0]["code"], "unique", "{email}");
        let again = site.register(email, "eve2", OTHER, OTHER).await;
        assert_eq!(again["success"], true, "{email}");
        // The password of the sign-up opens nothing, because the account is not verified.
        let log_in = site.token_auth(json!({ "username": "eve", "password": OTHER })).await;
        let code = &log_in["errors"]["nonFieldErrors"][0]["code"];
        assert_eq!(code, "invalid_credentials", "{email}");
    }
}

/// A taken name is public, so an address that is a name would not be concealed.
#[tokio::test]
async fn no_address_can_be_a_name() {
    let site = Site::start().await;
    let answer = site.register(ANN, ANN, OTHER, OTHER).await;
    assert_eq!(answer["success"], true, "{answer}");
    let site = site.restarted_with(&[("CONCEAL_ACCOUNTS", "true")]);
    let mut answers = Vec::new();
    for email in [ANN, "new@example.com"] {
        let answer = site.register(email, email, OTHER, OTHER).await;
        assert_eq!(answer["errors"]["username"][0]["code"], "username_is_email", "{email}");
        // An `@` of another width is the same one.
        let wide = site.register(email, &email.replace('@', "＠"), OTHER, OTHER).await;
        assert_eq!(wide["errors"], answer["errors"], "{email}");
        let form = json!({ "email": email, "username": email, "password": OTHER });
        let hasura = site.post_json("/users/user/register/", None, &form).await;
        assert_eq!(hasura.status, 400, "{}", hasura.text);
        answers.push((answer, hasura.text));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_name_is_reserved_as_long_for_every_address() {
    let lifetime = jiff::SignedDuration::from_hours(30 * 24);
    let second = jiff::SignedDuration::from_secs(1);
    for email in [ANN, "new@example.com"] {
        let site = concealing().await;
        site.register(email, "eve", OTHER, OTHER).await;
        site.mails_to(email).await;
        site.advance(lifetime - second);
        let swept = site.clean_up().await;
        assert_eq!((swept.sign_ups, swept.decoys), (0, 0), "{email}");
        let answer = site.register("eve@example.com", "eve", OTHER, OTHER).await;
        assert_eq!(answer["errors"]["username"][0]["code"], "unique", "{email}");
        site.advance(second);
        let answer = site.register("eve@example.com", "eve", OTHER, OTHER).await;
        assert_eq!(answer["success"], true, "{email}: {answer}");
        assert_eq!(site.clean_up().await.sign_ups, 1, "{email}");
        site.assert_addresses_have_unique_keys().await;
    }
}

#[tokio::test]
async fn a_made_username_says_nothing_of_the_address() {
    for email in [ANN, "ann@other.example"] {
        let site = concealing().await;
        let answer = site.rest("signup/", json!({ "email": email, "password": OTHER })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let [guards, _] = site.owners().await;
        let names: Vec<_> = guards.iter().filter(|(key, _)| key.starts_with("USERNAME#")).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(names.iter().filter(|(key, _)| key.contains("ann")).count(), 1, "{names:?}");
    }
}

#[tokio::test]
async fn many_sign_ups_without_a_username_at_once_reveal_no_taken_username() {
    let site = std::sync::Arc::new(concealing().await);
    let answers = journeys::at_once(8, |number| {
        let site = site.clone();
        async move {
            let email =
                if number % 2 == 0 { ANN.to_owned() } else { format!("ann@{number}.example") };
            site.rest("signup/", json!({ "email": email, "password": OTHER })).await.status
        }
    });
    assert!(answers.await.iter().all(|status| *status == 201));
}

#[tokio::test]
async fn a_code_tells_nothing_of_whether_there_is_one() {
    let mut answers = Vec::new();
    for email in [ANN, "bob@example.com", "nobody@example.com"] {
        let site = concealing().await;
        site.register("bob@example.com", "bob", OTHER, OTHER).await;
        site.deliver_mail().await;
        let mut result = Vec::new();
        let right = site.code("bob@example.com").await;
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for minutes in [0, 0, 0, 0, 0, 0, 11] {
            site.advance(jiff::SignedDuration::from_mins(minutes));
            let proof = json!({ "email": email, "otp": wrong });
            let answer = site.rest("verify-email/", proof).await;
            result.push((answer.status, answer.text));
        }
        answers.push(result);
    }
    assert!(answers.iter().all(|result| *result == answers[0]), "{answers:?}");
    assert!(answers[0].iter().all(|(_, text)| text.contains("invalid_otp")), "{answers:?}");
}

#[tokio::test]
async fn a_logged_in_user_cannot_find_out_which_addresses_are_taken() {
    let site = concealing().await;
    site.register("bob@example.com", "bob", OTHER, OTHER).await;
    let link = site.link_token("bob@example.com").await;
    site.verify_account(&link).await;
    let bob = site.token_auth(json!({ "username": "bob", "password": OTHER })).await;
    let bob = journeys::Actor {
        name: "bob".to_owned(),
        access: bob["token"].as_str().unwrap().to_owned(),
        refresh: String::new(),
    };
    let caller = site.caller(&bob).await;
    let password = || accounts::model::PlainPassword::new(OTHER);
    // The newest request comes last: it voids the one before.
    for email in ["free@example.com", ANN] {
        site.calls.take();
        site.accounts.change_email(&caller, email, None, &Client::default()).await.unwrap();
        let calls = site.calls.take();
        assert_eq!(calls, Calls { round_trips: 2, calls: 2 }, "{email}");
        site.accounts
            .send_secondary_email_activation(&caller, email, password(), &Client::default())
            .await
            .unwrap();
        assert_eq!(site.calls.take(), calls, "{email}");
        site.deliver_mail().await;
    }
    for email in [ANN, "free@example.com"] {
        assert_eq!(site.mails_to(email).await.len(), 2, "{email}");
    }
    // The use of the link reveals it, to the owner of the mailbox.
    let link = site.link_token(ANN).await;
    let taken = site.accounts.confirm_address(&link).await;
    assert!(matches!(taken, Err(AuthError::Refused(Refusal::EmailTaken))), "{taken:?}");
}

#[tokio::test]
async fn settings_that_reveal_accounts_cannot_be_had_with_concealment() {
    for (name, value, needed) in [
        ("ALLOW_LOGIN_NOT_VERIFIED", "true", "ALLOW_LOGIN_NOT_VERIFIED=false"),
        ("USERS_QUERY", "public", "USERS_QUERY=staff"),
        ("USERS_QUERY", "authenticated", "USERS_QUERY=staff"),
    ] {
        let settings = accounts::config::Settings::new(move |asked| match asked {
            "CONCEAL_ACCOUNTS" => Some("true".to_owned()),
            asked => (asked == name).then(|| value.to_owned()),
        });
        let error = settings.policy().unwrap_err().to_string();
        assert_eq!(error, format!("CONCEAL_ACCOUNTS needs {needed}"));
    }
}

#[tokio::test]
async fn without_concealment_a_code_is_asked_for_at_the_same_cost_for_every_address() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    site.sign_up("bob").await;
    let mut costs = Vec::new();
    for email in [ANN, "bob@example.com", "nobody@example.com"] {
        site.calls.take();
        let answer = site.rest("send-otp/", json!({ "email": email })).await;
        costs.push((answer.status, answer.text, site.calls.take()));
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}
