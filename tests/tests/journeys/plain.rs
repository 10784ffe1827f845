//! The dialect of the small schema: createUser, whoami, updateUser.

use axum::http::StatusCode;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) {
    ok token refreshToken user { id username email verified } } }";
/// As the source's clients send it.
pub(crate) const UPDATE: &str = "mutation UpdateUserProfile($input: UpdateUserInput!) {
    updateUser(input: $input) { ok user {
        id username email firstName lastName profilePicture gender position department } } }";

fn ali() -> Value {
    json!({ "username": "ali", "email": "ali@example.com", "password": PASSWORD })
}

pub(crate) async fn update(site: &Site, actor: &Actor, input: Value) -> Answer {
    site.ask(actor, UPDATE, json!({ "input": input })).await
}

pub(crate) fn fields(answer: &Answer) -> Value {
    answer.json()["errors"][0]["extensions"]["fields"].clone()
}

#[tokio::test]
async fn an_account_is_made_and_used() {
    let site = Site::start().await;
    let answer = site.graphql(CREATE, json!({ "input": ali() })).await.json();
    let made = &answer["data"]["createUser"];
    assert_eq!(made["ok"], true, "{answer}");
    assert_eq!(made["user"]["username"], "ali");
    let token = made["token"].as_str().unwrap();
    let header = format!("JWT {token}");

    let who = site.graphql_as(Some(&header), "{ whoami { id username email } }", Value::Null).await;
    assert_eq!(who.json()["data"]["whoami"]["email"], "ali@example.com");
    let id = &made["user"]["id"];
    let document = "query($id: ID!) { user(id: $id) { id username email } }";
    let user = site.graphql_as(Some(&header), document, json!({ "id": id })).await.json();
    assert_eq!(user["data"]["user"]["username"], "ali");
    // A literal integer, as the source's documents have it.
    let user = site.graphql_as(Some(&header), "{ user(id: 1) { id } }", Value::Null).await.json();
    assert_eq!(user, json!({ "data": { "user": null } }));

    let verify = "mutation($t: String!) { verifyToken(token: $t) { payload } }";
    let payload = site.graphql(verify, json!({ "t": token })).await.json();
    assert_eq!(payload["data"]["verifyToken"]["payload"]["username"], "ali");
    let refresh = "mutation($t: String!) { refreshAccessToken(refreshToken: $t) {
        token refreshToken payload } }";
    assert_eq!(site.mails_to("ali@example.com").await.len(), 1);
    let variables = json!({ "t": made["refreshToken"] });
    let refused = site.graphql(refresh, variables.clone()).await;
    assert_eq!(refused.code().as_deref(), Some("not_verified"));
    site.verify_account(&site.link_token("ali@example.com").await).await;
    let next = site.graphql(refresh, variables).await.json();
    assert_eq!(next["data"]["refreshAccessToken"]["payload"]["username"], "ali", "{next}");
}

#[tokio::test]
async fn a_log_in_shows_what_its_token_says() {
    let site = Site::start().await;
    site.signed_in("ali").await;
    let document = "mutation($p: String!) { tokenAuth(username: \"ali\", password: $p) {
        token refreshToken payload } }";
    let answer = site.graphql(document, json!({ "p": PASSWORD })).await.json();
    let payload = &answer["data"]["tokenAuth"]["payload"];
    assert_eq!(payload["username"], "ali", "{answer}");
    assert!(payload["exp"].is_i64() && payload["origIat"].is_i64());
    let wrong = site.graphql(document, json!({ "p": "not it" })).await.json();
    assert_eq!(wrong["data"]["tokenAuth"]["payload"], Value::Null);
}

#[tokio::test]
async fn a_new_account_returns_its_errors_for_each_field() {
    let site = Site::start().await;
    site.sign_up("ali").await;
    let input = json!({ "username": "ALI", "email": "no address", "password": "1" });
    let answer = site.graphql(CREATE, json!({ "input": input })).await;
    assert_eq!(answer.code().as_deref(), Some("invalid"));
    assert_eq!(answer.json()["data"], json!({ "createUser": null }));
    let fields = fields(&answer);
    assert_eq!(fields["username"][0]["code"], "unique");
    assert_eq!(fields["email"][0]["code"], "invalid");
    assert_eq!(fields["password"][0]["code"], "password_too_short");
}

#[tokio::test]
async fn an_anonymous_caller_is_unauthenticated() {
    let site = Site::start().await;
    for document in
        ["{ whoami { id } }", "mutation { updateUser(input: {}) { ok } }", "{ user(id: 1) { id } }"]
    {
        let answer = site.graphql(document, Value::Null).await;
        assert_eq!(answer.code().as_deref(), Some("unauthenticated"), "{document}");
    }
    let refresh = "mutation { refreshAccessToken(refreshToken: \"x\") { token } }";
    let answer = site.graphql(refresh, Value::Null).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_token"));
}

#[tokio::test]
async fn a_profile_is_changed_as_far_as_it_is_given() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let input = json!({ "firstName": "Ali", "gender": "Female", "position": "Engineer",
        "department": "R&D" });
    let answer = update(&site, &ali, input).await.json();
    let user = &answer["data"]["updateUser"]["user"];
    assert_eq!(user["gender"], "FEMALE", "{answer}");
    assert_eq!((&user["firstName"], &user["position"]), (&json!("Ali"), &json!("Engineer")));
    let answer = update(&site, &ali, json!({ "lastName": "Ahmadi" })).await.json();
    let user = &answer["data"]["updateUser"]["user"];
    assert_eq!((&user["firstName"], &user["lastName"]), (&json!("Ali"), &json!("Ahmadi")));
    assert_eq!(user["department"], "R&D");
}

#[tokio::test]
async fn a_gender_is_read_in_any_case_and_however_it_is_given() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let literals = ["\"female\"", "FEMALE", "Female", "\"FEMALE\""];
    for gender in literals {
        let document = format!(
            "mutation {{ updateUser(input: {{gender: {gender}}}) {{ user {{ gender }} }} }}"
        );
        let answer = site.ask(&ali, &document, Value::Null).await.json();
        assert_eq!(answer["data"]["updateUser"]["user"]["gender"], "FEMALE", "{gender} {answer}");
    }
    let document = "mutation($g: Gender) { ...M } fragment M on Mutation {
        updateUser(input: {gender: $g}) { user { gender } } }";
    let answer = site.ask(&ali, document, json!({ "g": "oTHER" })).await.json();
    assert_eq!(answer["data"]["updateUser"]["user"]["gender"], "OTHER", "{answer}");
    let unknown = update(&site, &ali, json!({ "gender": "unknown" })).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refused_update_returns_its_errors_and_changes_nothing() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    site.signed_in("bob").await;
    let before = site.dump().await;
    let long = json!({ "firstName": "Ali", "position": "x".repeat(101) });
    let answer = update(&site, &ali, long).await;
    assert_eq!(fields(&answer)["position"][0]["code"], "max_length");
    let taken = json!({ "firstName": "Ali", "email": "bob@example.com" });
    let answer = update(&site, &ali, taken).await;
    assert_eq!(fields(&answer)["email"][0]["code"], "unique");
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn another_address_takes_effect_when_it_is_proven() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let answer = update(&site, &ali, json!({ "email": "new@example.com" })).await.json();
    assert_eq!(answer["data"]["updateUser"]["user"]["email"], "ali@example.com", "{answer}");
    let token = site.link_token("new@example.com").await;
    let path = format!("/activate/{token}");
    assert_eq!(site.submit(&path, &[], "").await.status, StatusCode::OK);
    let me = site.ask(&ali, "{ me { email verified } }", Value::Null).await.json();
    assert_eq!(me["data"]["me"], json!({ "email": "new@example.com", "verified": true }));
    let result = site.mails_to("ali@example.com").await.pop().unwrap();
    assert!(result.subject.contains("address"), "{}", result.subject);
}

#[tokio::test]
async fn odd_inputs_are_refused_in_the_dialect_s_own_form() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let before = site.dump().await;
    for (input, code) in [
        (json!({ "username": "", "email": "", "password": "" }), Some("invalid")),
        (
            json!({ "username": "a\u{0}b", "email": "b@example.com", "password": PASSWORD }),
            Some("invalid"),
        ),
        (
            json!({ "username": "\u{202e}nna", "email": "b@example.com", "password": PASSWORD }),
            Some("invalid"),
        ),
        (
            json!({ "username": "b", "email": "b@example.com\r\nBcc: c", "password": PASSWORD }),
            Some("invalid"),
        ),
        (
            json!({ "username": "b".repeat(20_000), "email": "b@example.com", "password": PASSWORD }),
            Some("invalid"),
        ),
        (
            json!({ "username": "b", "email": "b@example.com", "password": "x".repeat(20_000) }),
            Some("invalid"),
        ),
        (json!({ "username": 1, "email": "b@example.com", "password": PASSWORD }), None),
        (json!({ "username": null, "email": "b@example.com", "password": PASSWORD }), None),
        (json!({ "email": "b@example.com", "password": PASSWORD }), None),
        (json!({ "username": "b", "email": ["b@example.com"], "password": PASSWORD }), None),
        (
            json!({ "username": "b", "email": "b@example.com", "password": PASSWORD, "role": "staff" }),
            None,
        ),
        (json!("b"), None),
    ] {
        let answer = site.graphql(CREATE, json!({ "input": input })).await;
        // A value that the schema does not take is not executed. A value that a rule refuses gets a code.
        let status = if code.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.code().as_deref(), code.or(Some("validation")), "{}", answer.text);
    }
    for (input, field) in [
        (json!({ "firstName": "x".repeat(20_000) }), "firstName"),
        (json!({ "lastName": "a\u{0}b" }), "lastName"),
        (json!({ "position": "x".repeat(101) }), "position"),
        (json!({ "email": "\u{202e}moc.elpmaxe@a" }), "email"),
    ] {
        let answer = update(&site, &ali, input).await;
        assert!(fields(&answer)[field].is_array(), "{field}: {}", answer.text);
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_failure_is_data_if_any_of_the_fields_that_are_merged_asks_for_it() {
    let site = Site::start().await;
    let call = "tokenAuth(username: \"ann\", password: \"not it\")";
    for (document, is_data) in [
        (format!("{call} {{ token }} {call} {{ success }}"), true),
        (format!("{call} {{ success }} {call} {{ token }}"), true),
        (format!("{call} {{ token }} ... {{ ...F }}"), true),
        (format!("{call} {{ token }} other: {call} {{ success }}"), false),
    ] {
        let fragment = format!("fragment F on Mutation {{ {call} {{ errors }} }}");
        let fragment = if document.contains("...F") { &fragment } else { "" };
        let whole = format!("mutation {{ {document} }} {fragment}");
        let answer = site.graphql(&whole, Value::Null).await.json();
        assert_eq!(answer["errors"].is_null(), is_data, "{document}: {answer}");
        assert_eq!(answer["data"]["tokenAuth"].is_object(), is_data, "{document}: {answer}");
    }
}
