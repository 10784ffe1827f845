//! The ways in which a GraphQL request can be written, and in which it is answered.

use axum::http::{Method, StatusCode};
use journeys::{Answer, Calls, PASSWORD, Site};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const DOCUMENT: (&str, &str) = ("content-type", "application/graphql");
const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");
const NEW: &str = "application/graphql-response+json";
/// `query A($i: ID!) { user(id: $i) { id } }`, as URLs have it.
const QUERY: &str = "query%20A(%24i%3AID!)%7Buser(id%3A%24i)%7Busername%7D%7D";

async fn post(site: &Site, headers: &[(&str, &str)], body: impl Into<axum::body::Body>) -> Answer {
    site.send(Method::POST, "/graphql", headers, body).await
}

fn parts(fields: &[(&str, &str)]) -> String {
    let part = |(name, text): &(&str, &str)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--b--\r\n"
}

fn kind(answer: &Answer) -> &str {
    answer.headers["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn a_request_is_read_in_every_way_in_which_graphene_django_reads_one() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let ann = site.add_user("ann", |_| {}).await.id.to_string();
    let query = "query A($i: ID!) { user(id: $i) { username } }";
    let ids = json!({ "i": ann });
    let text = ids.to_string();
    let url = format!("query={QUERY}&variables=%7B%22i%22%3A%22{ann}%22%7D");
    let typed = format!("/graphql?{url}");
    let variables = format!("/graphql?variables=%7B%22i%22%3A%22{ann}%22%7D");
    let json = |fields: Value| fields.to_string();
    let operations = json(json!({ "query": query, "variables": ids, "operationName": "" }));
    for (path, headers, body) in [
        ("/graphql/", vec![JSON], json(json!({ "query": query, "variables": ids }))),
        ("/graphql/relay/", vec![JSON], json(json!({ "query": query, "variables": ids }))),
        ("/graphql/relay", vec![JSON], json(json!({ "query": query, "variables": text }))),
        (
            "/graphql",
            vec![JSON],
            json(json!({ "query": query, "variables": ids, "operationName": "" })),
        ),
        (
            "/graphql",
            vec![JSON],
            json(json!({ "query": query, "variables": text, "operationName": "null" })),
        ),
        (
            "/graphql",
            vec![JSON],
            json(
                json!({ "query": query, "variables": ids, "operationName": null, "extensions": null }),
            ),
        ),
        ("/graphql", vec![JSON], json(json!({ "query": query, "variables": ids, "id": 5 }))),
        (&variables, vec![DOCUMENT], query.to_owned()),
        ("/graphql", vec![FORM], url.clone()),
        ("/graphql/", vec![FORM], format!("{url}&operationName=")),
        ("/graphql", vec![FORM], format!("query=x&{url}&operationName=A&csrfmiddlewaretoken=x")),
        (&typed, vec![], String::new()),
        (&typed, vec![JSON], "{}".to_owned()),
        (&typed, vec![("content-type", "text/plain")], "anything".to_owned()),
        (&typed, vec![FORM], "query=%7Bx%7D".to_owned()),
        ("/graphql", vec![MULTIPART], parts(&[("query", query), ("variables", &text)])),
        ("/graphql", vec![MULTIPART], parts(&[("operations", &operations), ("map", "{}")])),
        ("/graphql", vec![MULTIPART], parts(&[("operations", &operations)])),
    ] {
        let answer = site.send(Method::POST, path, &headers, body.clone()).await;
        let json = answer.json();
        assert_eq!(json["data"]["user"]["username"], "ann", "{path} {body}: {}", answer.text);
    }
    let answer = site.send(Method::GET, &format!("{typed}&operationName=null"), &[], "").await;
    assert_eq!(answer.json()["data"]["user"]["username"], "ann", "{}", answer.text);
}

#[tokio::test]
async fn a_request_that_is_written_wrongly_is_refused() {
    let site = Site::start().await;
    let typename = "query=%7B__typename%7D";
    for (headers, body) in [
        (JSON, json!({ "query": "{__typename}", "variables": "{" }).to_string()),
        (JSON, json!({ "query": "{__typename}", "variables": "[]" }).to_string()),
        (JSON, json!({ "query": "{__typename}", "variables": 5 }).to_string()),
        (JSON, json!({ "query": "{__typename}", "extensions": [] }).to_string()),
        (FORM, format!("{typename}&variables=5")),
        (FORM, String::new()),
        (DOCUMENT, String::new()),
        (MULTIPART, parts(&[("operations", "{}"), ("map", "{}")])),
        (MULTIPART, parts(&[("operations", "{\"query\":\"{__typename}\"}"), ("map", "[]")])),
        (
            MULTIPART,
            parts(&[("operations", "{\"query\":\"{__typename}\"}"), ("map", "{\"0\":[\"x\"]}")]),
        ),
        (MULTIPART, parts(&[])),
        (("content-type", "text/plain"), json!({ "query": "{__typename}" }).to_string()),
    ] {
        let answer = post(&site, &[headers], body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
        assert_eq!(answer.code().as_deref(), Some("bad_request"), "{body}: {}", answer.text);
    }
    let long = json!({ "query": format!("{{__typename}}{}", " ".repeat(64 * 1024)) }).to_string();
    for body in [parts(&[("operations", &long), ("map", "{}")]), parts(&[("query", &long)])] {
        let answer = post(&site, &[MULTIPART], body).await;
        assert_eq!(answer.code().as_deref(), Some("too_large"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_form_is_taken_from_a_program_and_from_the_sites_own_pages() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let cookie = format!("JWT={}", ann.access);
    let cookie = ("cookie", cookie.as_str());
    let (document, url) =
        ("mutation{verifyToken(token:\"x\"){success}}", "?query=%7B__typename%7D");
    let form = "query=mutation%7BverifyToken(token%3A%22x%22)%7Bsuccess%7D%7D".to_owned();
    let form_parts = parts(&[("query", document)]);
    let own = ("origin", "https://accounts.example");
    for from in [vec![], vec![own], vec![own, cookie], vec![("authorization", "JWT x"), cookie]] {
        for (kind, body) in [(FORM, &form), (MULTIPART, &form_parts)] {
            let headers = [from.as_slice(), &[kind]].concat();
            let answer = post(&site, &headers, body.clone()).await.json();
            assert_eq!(answer["data"]["verifyToken"]["success"], false, "{from:?} {answer}");
        }
    }
    for from in [
        vec![cookie],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "cross-site"), cookie],
    ] {
        for (path, kind, body) in [
            ("/graphql", FORM, form.as_str()),
            ("/graphql", MULTIPART, &form_parts),
            (&format!("/graphql{url}"), ("content-type", "text/plain"), ""),
        ] {
            let headers = [from.as_slice(), &[kind]].concat();
            let answer = site.send(Method::POST, path, &headers, body.to_owned()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{from:?} {}", answer.text);
            assert_eq!(answer.code().as_deref(), Some("cross_site"));
        }
    }
}

#[tokio::test]
async fn a_client_that_wants_the_media_type_of_graphql_gets_it_with_its_statuses() {
    let site = Site::start().await;
    let accept = ("accept", "application/graphql-response+json, application/json;q=0.9");
    for (body, status) in [
        (json!({ "query": "{__typename}" }), 200),
        // A field that failed is no request that failed.
        (json!({ "query": "{ whoami { id } }" }), 200),
        (json!({ "query": "{ nope }" }), 400),
        (json!({ "query": "{ me {" }), 400),
        (json!({ "query": "{__typename}", "operationName": "Nope" }), 400),
        (json!({ "query": "query($i: ID!) { user(id: $i) { id } }" }), 400),
        (
            json!({ "query": "query($i: ID!) { user(id: $i) { id } }", "variables": { "i": [] } }),
            400,
        ),
        (json!({}), 400),
        (json!([]), 400),
        (json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "x" } } }), 400),
    ] {
        let answer = post(&site, &[JSON, accept], body.to_string()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert_eq!(kind(&answer), "application/graphql-response+json; charset=utf-8", "{body}");
        assert_eq!(answer.json().get("data").is_some(), status == 200, "{body}: {}", answer.text);
    }
    let mutation = "/graphql?query=mutation%7Blogout%7Bsuccess%7D%7D";
    let answer = site.send(Method::GET, mutation, &[("accept", NEW)], "").await;
    assert_eq!((answer.status.as_u16(), &answer.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert!(kind(&answer).starts_with(NEW));
    for accept in [None, Some("*/*"), Some("application/json"), Some("text/html, */*;q=0.8")] {
        let headers: Vec<_> = [JSON].into_iter().chain(accept.map(|it| ("accept", it))).collect();
        for document in ["{__typename}", "{ nope }"] {
            let answer = post(&site, &headers, json!({ "query": document }).to_string()).await;
            assert_eq!(kind(&answer), "application/json", "{accept:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_the_hash_of_a_document_learns_that_it_must_send_the_document() {
    let site = Site::start().await;
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } });
    let hash = "%7B%22persistedQuery%22%3A%7B%22version%22%3A1%7D%7D";
    for answer in [
        post(&site, &[JSON], json!({ "extensions": extensions }).to_string()).await,
        post(&site, &[JSON], json!({ "query": "", "extensions": extensions }).to_string()).await,
        site.send(Method::GET, &format!("/graphql?extensions={hash}"), &[], "").await,
    ] {
        // Apollo's persisted query link and urql's exchange look for this, and every client reads a 200.
        assert_eq!(answer.status, StatusCode::OK);
        let error = json!({ "message": "PersistedQueryNotSupported",
            "extensions": { "code": "PERSISTED_QUERY_NOT_SUPPORTED" } });
        assert_eq!(answer.json(), json!({ "errors": [error] }), "{}", answer.text);
    }
    let body = json!({ "query": "{__typename}", "extensions": extensions }).to_string();
    assert_eq!(post(&site, &[JSON], body).await.json()["data"]["__typename"], "Query");
}

#[tokio::test]
async fn a_request_that_is_not_executed_has_no_data_and_its_errors_have_codes() {
    let site = Site::start().await;
    let update = "mutation($i: UpdateUserInput!) { updateUser(input: $i) { ok } }";
    let many = "query A { __typename } query B { __typename }";
    for (body, code) in [
        (json!({ "query": "{nope}" }), "validation"),
        (json!({ "query": "{me{nope} x: me{nope}}" }), "validation"),
        (json!({ "query": "{me" }), "syntax"),
        (json!({ "query": "fragment F on Query { me { id } }" }), "syntax"),
        (json!({ "query": "{ a } { b }" }), "syntax"),
        (json!({ "query": "subscription { me { id } }" }), "validation"),
        (json!({ "query": many }), "validation"),
        (json!({ "query": many, "operationName": "C" }), "validation"),
        (json!({ "query": "{ users(first: 3000000000) { edges { cursor } } }" }), "validation"),
        (json!({ "query": "mutation { updateUser(input: 5) { ok } }" }), "validation"),
        (json!({ "query": update, "variables": { "i": "x" } }), "validation"),
        (json!({ "query": update, "variables": { "i": { "gender": "X" } } }), "validation"),
        (json!({ "query": update, "variables": { "i": { "nope": 1 } } }), "validation"),
        (
            json!({ "query": "query($f: Int) { users(first: $f) { edges { cursor } } }",
                "variables": { "f": 3_000_000_000_i64 } }),
            "validation",
        ),
    ] {
        let answer = post(&site, &[JSON], body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
        let answer = answer.json();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["errors"], "{answer}");
        for error in answer["errors"].as_array().unwrap() {
            assert_eq!(error["extensions"]["code"], code, "{body}: {answer}");
        }
    }
    assert_eq!(site.calls.take(), Calls::default());
}

#[tokio::test]
async fn the_variables_of_an_operation_that_is_not_asked_for_are_not_looked_at() {
    let site = Site::start().await;
    let document = "query A($v: Int) { users(first: $v) { edges { cursor } } }
        query B($v: ID!) { user(id: $v) { id } }";
    let body = json!({ "query": document, "operationName": "A", "variables": { "v": 1 } });
    assert_eq!(post(&site, &[JSON], body.to_string()).await.status, StatusCode::OK);
    let body = json!({ "query": document, "operationName": "A", "variables": { "v": "x" } });
    assert_eq!(post(&site, &[JSON], body.to_string()).await.status, StatusCode::BAD_REQUEST);
}

/// A front end may hand its errors to others, who must not find a password in them.
#[tokio::test]
async fn no_error_quotes_what_a_document_or_its_variables_give() {
    let site = Site::start().await;
    let secret = "hunter2hunter2";
    for document in [
        "mutation { tokenAuth(username: \"ann\", password: \"SECRET\" { success } }",
        "mutation { tokenAuth(username: \"ann\", password: \"SECRET) { success } }",
        "mutation { tokenAuth(username: \"ann\", password \"SECRET\") { success } }",
        "mutation { tokenAuth(username: \"ann\", password: 'SECRET') { success } }",
        "mutation { tokenAuth(username: \"ann\", password: \"\\u12 SECRET\") { success } }",
        "mutation { tokenAuth(username: \"ann\", password: \"\"\"SECRET\") { success } }",
        "mutation { tokenAuth(username: \"ann\", password: SECRET) { success } }",
        "mutation { tokenAuth(username: \"ann\", password: [\"SECRET\"]) { success } }",
        "mutation { tokenAuth(username: \"ann\", password: {a: \"SECRET\"}) { success } }",
        "mutation { tokenAuth(username: \"ann\", password: {a: $SECRETx}) { success } }",
        "mutation { tokenAuth(username: \"ann\", password: \"SECRET\") { nope } }",
        "mutation { updateUser(input: {gender: SECRET}) { ok } }",
        "mutation { updateUser(input: {gender: \"SECRET\"}) { ok } }",
        "mutation { updateUser(input: {firstName: [\"SECRET\"]}) { ok } }",
        "mutation { updateUser(input: \"SECRET\") { ok } }",
        "{ users(first: \"SECRET\") { edges { cursor } } }",
        "{ me @skip(if: \"SECRET\") { id } }",
        "query($f: Int = \"SECRET\") { users(first: $f) { edges { cursor } } }",
        "query($i: UpdateUserInput = {gender: \"SECRET\"}) { me { id } }",
        "mutation($p: String!) { tokenAuth(username: \"ann\", password: $p) { nope } }",
        "mutation($p: Int!) { tokenAuth(username: \"ann\", password: $p) { success } }",
        "query($p: Int) { users(first: $p) { edges { cursor } } }",
        "query($p: Boolean!) { me @include(if: $p) { id } }",
        "mutation($p: UpdateUserInput!) { updateUser(input: $p) { ok } }",
        "mutation($p: Upload) { updateUser(input: {profilePicture: $p}) { ok } }",
        "mutation { updateUser(input: {profilePicture: \"SECRET\"}) { ok } }",
        "mutation { updateUser(input: {profilePicture: \"#__graphql_file__:SECRET\"}) { ok } }",
        "mutation($p: Gender) { updateUser(input: {gender: $p}) { ok } }",
    ] {
        let is_name = document.contains("$SECRET");
        let document = document.replace("SECRET", secret);
        let answer = site.graphql(&document, json!({ "p": secret })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{document}: {}", answer.text);
        assert!(answer.code().is_some(), "{document}: {}", answer.text);
        assert!(is_name || !answer.text.contains(secret), "{document}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_syntax_error_says_where_and_what_is_expected() {
    let site = Site::start().await;
    let answer = site.graphql("{\n  me {", Value::Null).await.json();
    let error = &answer["errors"][0];
    assert_eq!(error["locations"], json!([{ "line": 2, "column": 7 }]), "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("Syntax error in line 2, column 7: expected "), "{message}");
}

#[tokio::test]
async fn a_failure_that_a_document_does_not_ask_for_is_a_graphql_error() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    let run = async |document: &str| {
        let document = document.replace("LOGIN", "tokenAuth(username: \"ann\", password: \"no\")");
        site.graphql(&document, json!({ "yes": true, "no": false })).await.json()
    };
    for (document, name, code) in [
        ("mutation { LOGIN { token refreshToken payload } }", "tokenAuth", "invalid_credentials"),
        ("mutation { a: LOGIN { success: token } }", "a", "invalid_credentials"),
        ("mutation { LOGIN { __typename user { id } } }", "tokenAuth", "invalid_credentials"),
        (
            "mutation { LOGIN { token ...F } } fragment F on ObtainJSONWebToken { payload }",
            "tokenAuth",
            "invalid_credentials",
        ),
        (
            "mutation($no: Boolean!) { LOGIN { token success @include(if: $no) } }",
            "tokenAuth",
            "invalid_credentials",
        ),
        (
            "mutation($yes: Boolean!) { LOGIN { token ... @skip(if: $yes) { errors } } }",
            "tokenAuth",
            "invalid_credentials",
        ),
        ("mutation { verifyToken(token: \"x\") { payload } }", "verifyToken", "invalid_token"),
    ] {
        let answer = run(document).await;
        assert_eq!(answer["data"], json!({ name: null }), "{document}: {answer}");
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{document}: {answer}");
        assert_eq!(error["path"], json!([name]), "{document}: {answer}");
    }
    for document in [
        "mutation { tokenAuth: LOGIN { success } }",
        "mutation { tokenAuth: LOGIN { token errors } }",
        "mutation { tokenAuth: LOGIN { token wrong: errors } }",
        "mutation { tokenAuth: LOGIN { ...F } } fragment F on ObtainJSONWebToken { ...G }
            fragment G on ObtainJSONWebToken { success }",
        "mutation($yes: Boolean!) { tokenAuth: LOGIN { ... @include(if: $yes) { success } } }",
        "mutation { tokenAuth: verifyToken(token: \"x\") { payload success } }",
    ] {
        let answer = run(document).await;
        assert!(answer["data"]["tokenAuth"].is_object(), "{document}: {answer}");
        assert_eq!(answer.get("errors"), None, "{document}: {answer}");
    }
    let log_in = format!("tokenAuth(username: \"ann\", password: \"{PASSWORD}\")");
    let answer = run(&format!("mutation {{ {log_in} {{ token }} }}")).await;
    assert!(answer["data"]["tokenAuth"]["token"].is_string(), "{answer}");
}

#[tokio::test]
async fn fields_of_the_root_with_one_key_in_the_answer_are_done_once() {
    let call = "tokenAuth(username: \"ann\", password: \"kdjf84jfKKd\")";
    let turned = "tokenAuth(password: \"kdjf84jfKKd\", username: \"ann\")";
    let first = format!("{call} {{ token }}");
    let fragment = format!("fragment F on Mutation {{ {call} {{ refreshToken }} }}");
    for (document, sessions) in [
        (format!("mutation {{ {first} {turned} {{ refreshToken }} }}"), 1),
        (
            format!(
                "mutation {{ {first} ... {{ ... on Mutation {{ {call} {{ refreshToken }} }} }} }}"
            ),
            1,
        ),
        (format!("mutation {{ {first} ...F }} {fragment}"), 1),
        (format!("mutation {{ ...F ...F {first} }} {fragment}"), 1),
        (format!("query Q {{ me {{ id }} }} mutation M {{ {first} ...F ...F }} {fragment}"), 1),
        (format!("mutation {{ {first} {call} {{ refreshToken }} other: {first} }}"), 2),
    ] {
        let site = Site::start().await;
        let ann = site.signed_in("ann").await;
        site.end_other_sessions(&ann).await;
        let name = document.starts_with("query").then_some("M");
        let body = json!({ "query": document, "operationName": name }).to_string();
        let answer = site
            .send(Method::POST, "/graphql", &[("content-type", "application/json")], body)
            .await;
        let log_in = &answer.json()["data"]["tokenAuth"];
        let is_whole = log_in["token"].is_string() && log_in["refreshToken"].is_string();
        assert!(is_whole, "{document}: {}", answer.text);
        assert_eq!(site.sessions(&ann).await.len(), 1 + sessions, "{document}");
    }
    let site = Site::start().await;
    let other = first.replace("ann", "bob");
    let refused = site.graphql(&format!("mutation {{ {first} {other} }}"), Value::Null).await;
    assert_eq!(refused.code().as_deref(), Some("validation"), "{}", refused.text);
}
