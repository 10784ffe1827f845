//! The mutations in Relay's form, at `/graphql/relay`.

use axum::http::{Method, StatusCode};
use journeys::{Answer, PASSWORD, Site, error};
use serde_json::{Value, json};

async fn relay(site: &Site, authorization: Option<&str>, document: &str, input: Value) -> Answer {
    let body = json!({ "query": document, "variables": { "input": input } }).to_string();
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(authorization.map(|value| ("authorization", value)));
    site.send(Method::POST, "/graphql/relay", &headers, body).await
}

const REGISTER: &str = "mutation($input: RegisterInput!) { register(input: $input) {
    __typename success errors token refreshToken clientMutationId } }";
const TOKEN_AUTH: &str = "mutation($input: ObtainJSONWebTokenInput!) { tokenAuth(input: $input) {
    __typename success errors token refreshToken clientMutationId user { username } } }";

fn ann() -> Value {
    json!({ "email": "ann@example.com", "username": "ann", "password1": PASSWORD,
        "password2": PASSWORD, "clientMutationId": "c 1" })
}

#[tokio::test]
async fn an_account_is_made_verified_and_used() {
    let site = Site::start().await;

    let answer = relay(&site, None, REGISTER, ann()).await.json()["data"]["register"].clone();
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(answer["clientMutationId"], "c 1");
    assert_eq!(answer["__typename"], "RegisterPayload");
    assert!(answer["token"].is_string() && answer["refreshToken"].is_string());

    let verify = "mutation($input: VerifyAccountInput!) { verifyAccount(input: $input) {
        success errors clientMutationId } }";
    let input = json!({ "token": site.link_token("ann@example.com").await });
    let answer = relay(&site, None, verify, input).await.json();
    let done = json!({ "success": true, "errors": null, "clientMutationId": null });
    assert_eq!(answer["data"]["verifyAccount"], done);

    // The library refuses this one with a clientMutationId; null counts as absent.
    let input = json!({ "username": "ann", "email": null, "password": PASSWORD,
        "clientMutationId": "c 2" });
    let answer = relay(&site, None, TOKEN_AUTH, input).await.json()["data"]["tokenAuth"].clone();
    assert_eq!(answer["user"]["username"], "ann", "{answer}");
    assert_eq!(answer["clientMutationId"], "c 2");
    assert_eq!(answer["__typename"], "ObtainJSONWebTokenPayload");

    let header = format!("JWT {}", answer["token"].as_str().unwrap());
    let names = "mutation($input: UpdateAccountInput!) { updateAccount(input: $input) {
        success errors clientMutationId } }";
    let answer = relay(&site, Some(&header), names, json!({ "firstName": "Ann" })).await.json();
    assert_eq!(answer["data"]["updateAccount"]["success"], true);
    let me = site.graphql_as(Some(&header), "{ me { firstName } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"]["firstName"], "Ann");
}

#[tokio::test]
async fn a_failure_is_data_and_keeps_the_client_s_name_for_it() {
    let site = Site::start().await;
    let mut input = ann();
    input["password2"] = json!("another");
    let answer = relay(&site, None, REGISTER, input).await.json()["data"]["register"].clone();
    let mismatch = error("password_mismatch", "The two password fields didn’t match.");
    assert_eq!(
        answer,
        json!({ "__typename": "RegisterPayload", "success": false,
            "errors": { "password2": [mismatch] }, "token": null, "refreshToken": null,
            "clientMutationId": "c 1" })
    );
}

#[tokio::test]
async fn an_input_that_is_not_whole_is_refused() {
    let site = Site::start().await;
    for input in [Value::Null, json!({}), json!({ "email": "ann@example.com" }), json!("ann")] {
        let answer = relay(&site, None, REGISTER, input.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{input}: {}", answer.text);
    }
    let mut input = ann();
    input["role"] = json!("staff");
    let answer = relay(&site, None, REGISTER, input).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(site.dump().await, Vec::<String>::new());
}

#[tokio::test]
async fn arguments_belong_to_the_other_form() {
    let site = Site::start().await;
    let document = "mutation { verifyAccount(token: \"x\") { success } }";
    let body = json!({ "query": document }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = site.send(Method::POST, "/graphql/relay", &headers, body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_document_holds_no_more_costly_mutations_than_in_the_other_form() {
    let site = Site::start().await;
    let one =
        |n| format!("a{n}: tokenAuth(input: {{username: \"ann\", password: \"x\"}}) {{ success }}");
    let document = |count: usize| {
        let fields: Vec<String> = (0..count).map(one).collect();
        json!({ "query": format!("mutation {{ {} }}", fields.join(" ")) }).to_string()
    };
    let headers = [("content-type", "application/json")];
    for (count, status) in [(5, StatusCode::OK), (6, StatusCode::BAD_REQUEST)] {
        let answer = site.send(Method::POST, "/graphql/relay", &headers, document(count)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn queries_are_the_same_and_a_mutation_wants_a_post() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let header = ann.authorization();
    let headers = [("authorization", header.as_str())];
    let get = |query: &str| format!("/graphql/relay?query={query}");
    let answer = site.send(Method::GET, &get("%7Bme%7Busername%7D%7D"), &headers, "").await;
    assert_eq!(answer.json()["data"]["me"]["username"], "ann");
    let logout = get("mutation%7Blogout(input:%7B%7D)%7Bsuccess%7D%7D");
    let answer = site.send(Method::GET, &logout, &headers, "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_passwords_registration_knows_none() {
    let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let input = json!({ "email": "ann@example.com", "username": "ann" });
    let answer = relay(&site, None, REGISTER, input).await.json();
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
    let answer = relay(&site, None, REGISTER, ann()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);

    let plain = "mutation { register(email: \"bob@example.com\", username: \"bob\") {
        success errors token } }";
    let answer = site.graphql(plain, Value::Null).await.json();
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
    let mails = site.mails_to("bob@example.com").await;
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Activate your account on Example", "Set your password on Example"]);
    let plain = "mutation { register(email: \"eve@example.com\", username: \"eve\",
        password1: \"kdjf84jfKKd\", password2: \"kdjf84jfKKd\") { success } }";
    let answer = site.graphql(plain, Value::Null).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_client_mutation_id_that_is_too_long_is_refused_and_nothing_is_done() {
    let site = Site::start().await;
    let before = site.dump().await;
    let mut input = ann();
    input["clientMutationId"] = json!("ü".repeat(257));
    let answer = relay(&site, None, REGISTER, input.clone()).await;
    assert_eq!(answer.code().as_deref(), Some("max_length"), "{}", answer.text);
    assert_eq!(site.dump().await, before);
    input["clientMutationId"] = json!("ü".repeat(256));
    let answer = relay(&site, None, REGISTER, input).await.json();
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
}
