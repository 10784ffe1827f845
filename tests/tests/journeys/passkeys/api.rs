//! Passkeys over HTTP: GraphQL in both forms, and REST.

use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

use super::browser::Browser;

/// Runs a mutation of the caller, and gives its answer.
async fn run(site: &Site, ann: Option<&Actor>, document: &str, variables: Value) -> Value {
    let answer = match ann {
        Some(ann) => site.ask(ann, document, variables).await,
        None => site.graphql(document, variables).await,
    };
    assert_eq!(answer.code(), None, "{}", answer.text);
    answer.json()["data"]["it"].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Ann, whose next tokens an answer has.
fn with_tokens(ann: &Actor, answer: &Value) -> Actor {
    let (access, refresh) = (text(&answer["token"]), text(&answer["refreshToken"]));
    Actor { name: ann.name.clone(), access: access.to_owned(), refresh: refresh.to_owned() }
}

#[tokio::test]
async fn a_passkey_lives_its_life_by_graphql() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let ann = site.signed_in("ann").await;
    let begun =
        run(&site, Some(&ann), "mutation { it: beginPasskey { options } }", json!({})).await;
    let credential = browser.create(text(&begun["options"])).await;
    let document = "mutation($c: String!) { it: addPasskey(credential: $c, name: \"Phone\") {
        recoveryCodes token refreshToken } }";
    let added = run(&site, Some(&ann), document, json!({ "c": credential })).await;
    assert_eq!(added["recoveryCodes"].as_array().unwrap().len(), 10);
    let ann = with_tokens(&ann, &added);

    // Alone.
    let begun = run(&site, None, "mutation { it: beginPasskeyLogin { options } }", json!({})).await;
    let credential = browser.get(text(&begun["options"])).await;
    let document = "mutation($c: String!) { it: passkeyLogin(credential: $c) {
        success errors token refreshToken user { username } } }";
    let opened = run(&site, None, document, json!({ "c": credential })).await;
    assert_eq!(opened["user"]["username"], "ann", "{opened}");
    let again = run(&site, None, document, json!({ "c": credential })).await;
    assert_eq!(again["errors"]["nonFieldErrors"][0]["code"], "invalid_token", "{again}");

    // As the second step.
    let first = site.token_auth(json!({ "username": "ann", "password": PASSWORD })).await;
    let error = &first["errors"]["nonFieldErrors"][0];
    assert_eq!(error["code"], "second_factor_required", "{first}");
    let challenge = text(&error["challenge"]);
    let document = "mutation($h: String!) { it: beginPasskeyStep(challenge: $h) { options } }";
    let begun = run(&site, None, document, json!({ "h": challenge })).await;
    let credential = browser.get(text(&begun["options"])).await;
    let document = "mutation($h: String!, $c: String!) {
        it: completeLoginByPasskey(challenge: $h, credential: $c) {
            success token refreshToken } }";
    let variables = json!({ "h": challenge, "c": credential });
    let opened = run(&site, None, document, variables).await;
    assert_eq!(opened["success"], true, "{opened}");
    assert_eq!(journeys::forge::payload(text(&opened["token"]))["acr"], "aal2", "{opened}");

    // Once more in the session, to remove it.
    site.advance(SignedDuration::from_mins(6));
    let list = run(
        &site,
        Some(&ann),
        "{ it: passkeys { passkeys { id name provider synced lastUsedAt } acceptedPasskeys } }",
        json!({}),
    )
    .await;
    assert_eq!(list["passkeys"][0]["name"], "Phone");
    assert!(list["passkeys"][0]["lastUsedAt"].is_string(), "{list}");
    let id = text(&list["passkeys"][0]["id"]).to_owned();
    let renaming = "mutation($id: ID!) { it: renamePasskey(id: $id, name: \"Old phone\") {
        success errors passkeys { name } } }";
    let renamed = run(&site, Some(&ann), renaming, json!({ "id": id })).await;
    assert_eq!(renamed["passkeys"][0]["name"], "Old phone", "{renamed}");
    let removing = "mutation($id: ID!) { it: removePasskey(id: $id) {
        success errors passkeys { id } acceptedPasskeys } }";
    let refused = run(&site, Some(&ann), removing, json!({ "id": id })).await;
    assert_eq!(refused["errors"]["nonFieldErrors"][0]["code"], "step_up_required", "{refused}");
    let begun = run(&site, Some(&ann), "mutation { it: beginStepUp { options } }", json!({})).await;
    let credential = browser.get(text(&begun["options"])).await;
    let document = "mutation($c: String!) { it: stepUpByPasskey(credential: $c) {
        success errors token refreshToken } }";
    let stepped = run(&site, Some(&ann), document, json!({ "c": credential })).await;
    let ann = with_tokens(&ann, &stepped);
    let removed = run(&site, Some(&ann), removing, json!({ "id": id })).await;
    assert_eq!(removed["success"], true, "{removed}");
    assert_eq!(removed["passkeys"], json!([]));
    let accepted: Value = serde_json::from_str(text(&removed["acceptedPasskeys"])).unwrap();
    assert_eq!(accepted["allAcceptedCredentialIds"], json!([]));
}

#[tokio::test]
async fn a_document_that_does_not_ask_for_errors_gets_a_graphql_error() {
    let site = Site::start().await;
    let document = "mutation { passkeyLogin(credential: \"{}\") { token } }";
    let answer = site.graphql(document, json!({})).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_passkey"), "{}", answer.text);
    let document = "mutation { beginPasskey { options } }";
    let answer = site.graphql(document, json!({})).await;
    assert_eq!(answer.code().as_deref(), Some("unauthenticated"), "{}", answer.text);
}

async fn post(site: &Site, ann: Option<&Actor>, path: &str, body: Value) -> Answer {
    let token = ann.map(Actor::authorization);
    site.post_json(&format!("/api/accounts/{path}"), token.as_deref(), &body).await
}

#[tokio::test]
async fn a_passkey_lives_its_life_by_rest() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let ann = site.signed_in("ann").await;
    let begun = post(&site, Some(&ann), "passkeys/begin/", json!({ "password": PASSWORD })).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let credential = browser.create(text(&begun.json()["options"])).await;
    let body = json!({ "credential": credential, "name": "Phone" });
    let added = post(&site, Some(&ann), "passkeys/add/", body.clone()).await;
    assert_eq!(added.status, 200, "{}", added.text);
    let again = post(&site, Some(&ann), "passkeys/add/", body).await;
    assert_eq!(again.status, 401, "{}", again.text);
    let added = added.json();
    assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
    let ann = Actor { access: text(&added["access"]).to_owned(), ..ann };

    let begun = post(&site, None, "login/passkey/begin/", json!({})).await.json();
    let credential = browser.get(text(&begun["options"])).await;
    let body = json!({ "credential": credential });
    let opened = post(&site, None, "login/passkey/", body).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert_eq!(opened.json()["email"], "ann@example.com");

    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let first = post(&site, None, "login/", body).await;
    assert_eq!(first.status, 401, "{}", first.text);
    let challenge = text(&first.json()["challenge"]).to_owned();
    let body = json!({ "challenge": challenge });
    let begun = post(&site, None, "login/second-factor/passkey/begin/", body).await.json();
    let credential = browser.get(text(&begun["options"])).await;
    let body = json!({ "challenge": challenge, "credential": credential });
    let opened = post(&site, None, "login/second-factor/passkey/", body).await;
    assert_eq!(opened.status, 200, "{}", opened.text);

    site.advance(SignedDuration::from_mins(6));
    let authorization = ann.authorization();
    let headers = [("authorization", authorization.as_str())];
    let list = site.send(Method::GET, "/api/accounts/passkeys/", &headers, String::new()).await;
    let list = list.json();
    let id = text(&list["passkeys"][0]["id"]).to_owned();
    let body = json!({ "id": id, "name": "Old phone" });
    let renamed = post(&site, Some(&ann), "passkeys/rename/", body).await.json();
    assert_eq!(renamed["passkeys"][0]["name"], "Old phone");
    let refused = post(&site, Some(&ann), "passkeys/remove/", json!({ "id": id })).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (403, &json!("step_up_required"))
    );
    let begun = post(&site, Some(&ann), "step-up/passkey/begin/", json!({})).await.json();
    let credential = browser.get(text(&begun["options"])).await;
    let body = json!({ "credential": credential });
    let stepped = post(&site, Some(&ann), "step-up/passkey/", body).await.json();
    let ann = Actor { access: text(&stepped["access"]).to_owned(), ..ann };
    let removed = post(&site, Some(&ann), "passkeys/remove/", json!({ "id": id })).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    let removed = post(&site, Some(&ann), "passkeys/remove/", json!({ "id": id })).await;
    assert_eq!(removed.json()["code"], "no_second_factor", "{}", removed.text);
}

#[tokio::test]
async fn the_site_lists_the_origins_of_other_domains_that_may_use_its_passkeys() {
    const PATH: &str = "/.well-known/webauthn";
    let site = Site::with(&[("CORS_ORIGINS", "https://shop.example,http://localhost:5173")]).await;
    let answer = site.send(Method::GET, PATH, &[], String::new()).await;
    assert_eq!(answer.json(), json!({ "origins": ["https://shop.example"] }), "{}", answer.text);
    // A page there gets the passkeys of the site.
    let client = accounts::model::Client::default();
    let options = site.accounts.begin_passkey_log_in(&client).await.unwrap();
    assert!(options.contains("\"rpId\":\"accounts.example\""));
    let site = Site::start().await;
    let answer = site.send(Method::GET, PATH, &[], String::new()).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}
