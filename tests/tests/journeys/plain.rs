//! The dialect of the small schema: createUser, whoami, updateUser.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

use crate::pictures::files::png;

const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) {
    ok token refreshToken user { id username email verified } } }";
/// As the source's clients send it.
const UPDATE: &str = "mutation UpdateUserProfile($input: UpdateUserInput!) {
    updateUser(input: $input) { ok user {
        id username email firstName lastName profilePicture gender position department } } }";

fn ali() -> Value {
    json!({ "username": "ali", "email": "ali@example.com", "password": PASSWORD })
}

async fn update(site: &Site, actor: &Actor, input: Value) -> Answer {
    site.ask(actor, UPDATE, json!({ "input": input })).await
}

/// A request with a file, as Apollo's upload link and Postman send it.
async fn upload(site: &Site, headers: &[(&str, &str)], file: &[u8]) -> Answer {
    let operations = json!({ "query": UPDATE,
        "variables": { "input": { "firstName": "Ali", "profilePicture": null } } });
    upload_as(site, headers, &operations.to_string(), file).await
}

async fn upload_as(site: &Site, headers: &[(&str, &str)], operations: &str, file: &[u8]) -> Answer {
    let map = "{\"0\": [\"variables.input.profilePicture\"]}";
    upload_by(site, headers, operations, map, file).await
}

async fn upload_by(
    site: &Site,
    headers: &[(&str, &str)],
    operations: &str,
    map: &str,
    file: &[u8],
) -> Answer {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{map}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend(file);
    body.extend(b"\r\n--b--\r\n");
    let mut all = vec![("content-type", "multipart/form-data; boundary=b")];
    all.extend(headers);
    site.send(Method::POST, "/graphql", &all, body).await
}

fn fields(answer: &Answer) -> Value {
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
async fn a_picture_comes_with_the_document_and_goes_by_null() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let answer = upload(&site, &[("authorization", &header)], &png()).await.json();
    let user = &answer["data"]["updateUser"]["user"];
    let key = user["profilePicture"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(key.starts_with("profile_pics/"), "{key}");
    assert_eq!(user["firstName"], "Ali");
    let url = site.ask(&ali, "{ me { profilePictureUrl } }", Value::Null).await.json();
    let url = url["data"]["me"]["profilePictureUrl"].as_str().unwrap().to_owned();
    let shown = journeys::show(&url).await;
    assert_eq!(
        (shown.status, &shown.headers["content-type"]),
        (StatusCode::OK, &"image/png".parse().unwrap())
    );

    let answer = update(&site, &ali, json!({ "profilePicture": null })).await.json();
    assert_eq!(answer["data"]["updateUser"]["user"]["profilePicture"], Value::Null, "{answer}");
    assert_eq!(site.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_picture_comes_through_api_gateway() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let operations =
        json!({ "query": UPDATE, "variables": { "input": { "profilePicture": null } } });
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n\
         {{\"0\": [\"variables.input.profilePicture\"]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\n"
    )
    .into_bytes();
    body.extend(png());
    body.extend(b"\r\n--b--\r\n");
    let event = json!({ "version": "2.0", "routeKey": "$default", "rawPath": "/graphql",
        "rawQueryString": "", "isBase64Encoded": true, "body": STANDARD.encode(&body),
        "headers": { "content-type": "multipart/form-data; boundary=b",
            "authorization": ali.authorization() },
        "requestContext": { "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d",
            "requestId": "r", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "http": { "method": "POST", "path": "/graphql", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "t" } } });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let (parts, body) = request.into_parts();
    let lambda_http::Body::Binary(bytes) = body else { panic!("the body was text") };
    let request = axum::http::Request::from_parts(parts, axum::body::Body::from(bytes));
    let answer = site.respond(request).await.json();
    assert!(answer["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_file_that_is_no_picture_leaves_everything_as_it_was() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let headers = [("authorization", header.as_str())];
    upload(&site, &headers, &png()).await;
    let before = (site.dump().await, site.objects().await);
    for (file, code) in [
        (Vec::new(), "picture_empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "picture_invalid"),
        (png()[..60].to_vec(), "picture_invalid"),
        (vec![0; 2 * 1024 * 1024 + 1], "picture_too_large"),
    ] {
        let answer = upload(&site, &headers, &file).await;
        assert_eq!(fields(&answer)["profilePicture"][0]["code"], code, "{}", answer.text);
    }
    let huge = upload(&site, &headers, &vec![0; 3 * 1024 * 1024]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!((site.dump().await, site.objects().await), before);
}

#[tokio::test]
async fn a_file_that_did_not_come_along_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let before = site.dump().await;
    for input in [
        json!({ "profilePicture": "#__graphql_file__:0" }),
        json!({ "profilePicture": "#__graphql_file__:x" }),
        json!({ "profilePicture": "a.png" }),
        json!({ "firstName": "#__graphql_file__:0" }),
    ] {
        let answer = update(&site, &ali, input.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{input}: {}", answer.text);
    }
    let literal =
        "mutation { updateUser(input: {profilePicture: \"#__graphql_file__:0\"}) { ok } }";
    let answer = site.ask(&ali, literal, Value::Null).await;
    assert_eq!(fields(&answer)["profilePicture"][0]["code"], "required", "{}", answer.text);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_map_that_leads_nowhere_leaves_the_picture_and_all_else_as_it_was() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let headers = [("authorization", header.as_str())];
    upload(&site, &headers, &png()).await;
    let before = (site.dump().await, site.objects().await);
    let operations = json!({ "query": UPDATE,
        "variables": { "input": { "firstName": "New", "profilePicture": null } } });
    for map in [
        "{}",
        "{\"0\":[]}",
        "{\"0\":[\"variables.nope.x\"]}",
        "{\"0\":[\"variables.input.profilepicture\"]}",
        "{\"0\":[\"0.variables.input.profilePicture\"]}",
        "{\"0\":[\"variables.input.firstName\"]}",
        "{\"0\":[\"variables.input\"]}",
        "{\"0\":[\"query\"]}",
    ] {
        let answer = upload_by(&site, &headers, &operations.to_string(), map, &png()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{map}: {}", answer.text);
    }
    assert_eq!((site.dump().await, site.objects().await), before);
}

#[tokio::test]
async fn a_picture_whose_variable_has_no_value_is_left_alone() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    upload(&site, &[("authorization", &ali.authorization())], &png()).await;
    let document = "mutation($f: Upload, $n: String) {
        updateUser(input: {profilePicture: $f, firstName: $n}) { user { profilePicture } } }";
    let kept = site.ask(&ali, document, json!({ "n": "Ali" })).await.json();
    assert!(kept["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{kept}");
    let gone = site.ask(&ali, document, json!({ "n": "Ali", "f": null })).await.json();
    assert_eq!(gone["data"]["updateUser"]["user"]["profilePicture"], Value::Null, "{gone}");
}

#[tokio::test]
async fn a_form_that_is_not_whole_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    for operations in ["", "[]", "{}", "{\"query\": 1}", "not json"] {
        let headers = [("authorization", header.as_str())];
        let answer = upload_as(&site, &headers, operations, &png()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{operations}: {}", answer.text);
    }
    for content_type in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b"]
    {
        let headers = [("authorization", header.as_str()), ("content-type", content_type)];
        let answer = site.send(Method::POST, "/graphql", &headers, "--b--").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{content_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_document_in_a_form_is_no_longer_than_any_other() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let long = |bytes: usize| {
        let query = format!("{UPDATE} #{}", "x".repeat(bytes - UPDATE.len() - 2));
        let variables = json!({ "input": { "firstName": "Ali", "profilePicture": null } });
        json!({ "query": query, "variables": variables }).to_string()
    };
    let headers = [("authorization", header.as_str())];
    for bytes in [64 * 1024 + 1, 2_000_000] {
        let answer = upload_as(&site, &headers, &long(bytes), &png()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_file_of_an_anonymous_caller_is_refused_before_the_document_is_read() {
    let site = Site::start().await;
    let operations = |query: &str| {
        let variables = json!({ "input": { "profilePicture": null } });
        json!({ "query": query, "variables": variables }).to_string()
    };
    for authorization in ["x", "JWT garbage", "Bearer garbage"] {
        let headers = [("authorization", authorization)];
        for query in [UPDATE, "{ this is no document", "{ me { id } }"] {
            let answer = upload_as(&site, &headers, &operations(query), &png()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
            assert_eq!(answer.code().as_deref(), Some("unauthenticated"), "{}", answer.text);
        }
    }
    assert_eq!(site.calls.take(), journeys::Calls::default());
}

#[tokio::test]
async fn a_form_that_another_site_may_have_sent_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let site = site.restarted_with(&[("TOKENS_IN_COOKIES", "true")]);
    let cookie = format!("JWT={}", ali.access);
    let answer = upload(&site, &[("cookie", &cookie)], &png()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let evil = [
        ("cookie", cookie.as_str()),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(upload(&site, &evil, &png()).await.status, StatusCode::FORBIDDEN);
    let own = [("cookie", cookie.as_str()), ("origin", "https://accounts.example")];
    let answer = upload(&site, &own, &png()).await.json();
    assert!(answer["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{answer}");
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
