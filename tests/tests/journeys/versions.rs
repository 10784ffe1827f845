use std::collections::BTreeSet;

use accounts::config::Settings;
use jiff::SignedDuration;
use journeys::fixtures::{ALL, Fixtures, NEWEST};
use journeys::{Actor, Site, failure_code, n, s};
use serde_json::{Value, json};

/// The version of a newer release.
const NEWER: i64 = 99;

fn actor(name: &str, access: &str, refresh: &str) -> Actor {
    let [name, access, refresh] = [name, access, refresh].map(str::to_owned);
    Actor { name, access, refresh }
}

/// Writes to the one item with such a key that a newer release has written it.
async fn make_newer(site: &Site, partition: &str, sort: &str) {
    let mut item = site.item(partition, sort).await;
    item.insert("version".to_owned(), n(NEWER));
    site.put(item).await;
}

/// The code of the first error of such a document.
async fn code(site: &Site, document: &str) -> Option<String> {
    site.graphql(document, Value::Null).await.code()
}

#[tokio::test]
async fn what_this_release_writes_is_in_the_fixtures_of_its_versions() {
    let now = Box::pin(Fixtures::written_now()).await;
    // `UPDATE_EXPECT=1 cargo test -p journeys versions` writes the file anew: before a release only. What a
    // release has written is never changed; raise the version of the kind, and add a file.
    if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
        std::fs::write(NEWEST, now.text()).unwrap();
        return;
    }
    let known: BTreeSet<_> = ALL.iter().flat_map(|text| Fixtures::parse(text).shapes()).collect();
    let unknown: Vec<_> = now.shapes().difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "raise the version of a kind (store/version.rs): {unknown:#?}");
    let kinds = |shapes: BTreeSet<String>| {
        let kinds = shapes.iter().filter_map(|shape| Some(shape.split_once(' ')?.0.to_owned()));
        kinds.collect::<BTreeSet<_>>()
    };
    assert_eq!(kinds(now.shapes()).len(), 12, "each kind is written");
}

#[tokio::test]
async fn the_items_of_every_release_are_understood() {
    for text in ALL {
        let fixtures = Fixtures::parse(text);
        let site = fixtures.site().await;
        let ann = actor("ann", fixtures.held("access"), fixtures.held("refresh"));
        assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
        let ann = site.assert_goes_on(&ann).await;
        site.log_in(&ann).await;
        let by_second = json!({ "email": "ann@second.example", "password": journeys::PASSWORD });
        assert_eq!(site.token_auth(by_second).await["success"], true);

        assert_eq!(site.deliver_mail().await.retrying, 0);
        let carol = site.aws.mailbox().messages().into_iter();
        let carol = carol.filter(|mail| mail.to == ["carol@example.com"]).count();
        assert_eq!(carol, 1, "the mail that was due is sent, and no other again");
        let bob = "bob@example.com";
        let form = [("content-type", "application/json")];
        let proof = json!({ "email": bob, "otp": fixtures.held("code") }).to_string();
        let path = "/api/accounts/verify-email/";
        let answer = site.send(axum::http::Method::POST, path, &form, proof).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let again = site.verify_account(fixtures.held("link")).await;
        assert_eq!(failure_code(&again), "already_verified");
        let carol = site.link_token("carol@example.com").await;
        assert_eq!(site.verify_account(&carol).await["success"], true);
        if let Some(pending) = fixtures.holds("pending link") {
            assert_eq!(site.verify_account(pending).await["success"], true);
            let erin = json!({ "username": "erin", "password": journeys::PASSWORD });
            assert_eq!(site.token_auth(erin).await["success"], true);
        }
        site.assert_addresses_have_unique_keys().await;

        site.advance(SignedDuration::from_hours(24 * 40));
        let counts = site.clean_up().await;
        assert!(counts.sessions > 0 && counts.token_ids > 0 && counts.decoys > 0, "{counts:?}");
    }
}

#[tokio::test]
async fn an_item_without_a_version_is_as_old_as_can_be_and_understood() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for mut item in site.all().await {
        item.remove("version");
        site.put(item).await;
    }
    let ann = site.assert_goes_on(&ann).await;
    site.log_in(&ann).await;
}

#[tokio::test]
async fn a_newer_user_session_or_guard_is_unavailable_and_stays_as_it_is() {
    for (partition, sort) in [("USER#", "USER"), ("USER#", "SESSION#"), ("USERNAME#", "GUARD")] {
        let site = Site::start().await;
        let ann = site.sign_up("ann").await;
        make_newer(&site, partition, sort).await;
        let before = site.dump().await;
        let password = journeys::PASSWORD;
        let document = match (partition, sort) {
            ("USER#", "SESSION#") => {
                format!(
                    "mutation {{ refreshToken(refreshToken: \"{}\") {{ success }} }}",
                    ann.refresh
                )
            }
            _ => format!(
                "mutation {{ tokenAuth(username: \"ann\", password: \"{password}\") {{ success }} }}"
            ),
        };
        assert_eq!(
            code(&site, &document).await.as_deref(),
            Some("unavailable"),
            "{partition}{sort}"
        );
        if partition == "USER#" {
            let answer = site.ask(&ann, "{ me { username } }", Value::Null).await;
            assert_eq!(answer.code().as_deref(), Some("unavailable"), "{sort}");
        }
        assert_eq!(site.dump().await, before, "{partition}{sort}");
    }
}

#[tokio::test]
async fn the_log_says_what_to_do_about_a_newer_item() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    make_newer(&site, "USER#", "USER").await;
    let answer = site.ask(&ann, "{ me { username } }", Value::Null).await;
    let lines = journeys::log::lines_of(answer.request_id());
    let result = "an item of the kind user has version 99, and this release knows 3: a newer release has \
                written it, deploy that one again";
    let is_told =
        |line: &Value| line["error"].as_str().is_some_and(|error| error.ends_with(result));
    assert!(lines.iter().any(is_told), "{lines:?}");
}

#[tokio::test]
async fn a_newer_code_opens_nothing_and_loses_no_try() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let digits = site.code("ann@example.com").await;
    make_newer(&site, "EMAIL#", "OTP#").await;
    let before = site.dump().await;
    let form = [("content-type", "application/json")];
    let proof = json!({ "email": "ann@example.com", "otp": digits }).to_string();
    let path = "/api/accounts/verify-email/";
    let answer = site.send(axum::http::Method::POST, path, &form, proof).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("unavailable")));
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_newer_pending_sign_up_creates_no_account_and_stays_as_it_is() {
    let site = Site::with(&[("CONCEAL_ACCOUNTS", "true")]).await;
    site.sign_up("ann").await;
    let link = site.link_token("ann@example.com").await;
    make_newer(&site, "PENDING#", "PENDING#").await;
    let before = site.dump().await;
    for document in [
        format!("mutation {{ verifyAccount(token: \"{link}\") {{ success }} }}"),
        "mutation { resendActivationEmail(email: \"ann@example.com\") { success } }".to_owned(),
    ] {
        assert_eq!(code(&site, &document).await.as_deref(), Some("unavailable"), "{document}");
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_newer_mail_is_not_sent_and_stays_for_who_knows_it() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let mail = site.item("MAIL#", "MAIL").await["id"].as_s().unwrap().parse().unwrap();
    make_newer(&site, "MAIL#", "MAIL").await;
    assert!(site.outbox().deliver(mail).await.is_err());
    assert_eq!(site.mail_states().await, ["due"]);
    assert!(site.aws.mailbox().messages().is_empty());
}

#[tokio::test]
async fn an_id_of_a_used_token_counts_in_any_version() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let link = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    make_newer(&site, "JTI#", "JTI").await;
    assert_eq!(failure_code(&site.verify_account(&link).await), "already_verified");
    let reset = site.reset_link(&ann).await;
    assert_eq!(
        site.reset_password(&reset, "another jf84jfKKd", "another jf84jfKKd").await["success"],
        true
    );
    let mut used = site.all().await;
    used.retain(|item| item["sk"] == s("JTI"));
    for mut item in used {
        item.insert("version".to_owned(), n(NEWER));
        site.put(item).await;
    }
    let again = site.reset_password(&reset, "a third jf84jfKKd", "a third jf84jfKKd").await;
    assert_eq!(failure_code(&again), "invalid_token");
}
