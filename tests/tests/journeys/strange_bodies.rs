//! Random bodies for every route of the API and the pages, through the whole site: none is a failure of the server,
//! and each JSON route answers in JSON.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request};
use journeys::{Answer, Site};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value};

use crate::properties;

/// The paths of forms. Their answers are pages.
const FORMS: [&str; 11] = [
    "/activate",
    "/activate/{token}",
    "/activation-mail",
    "/password-reset",
    "/password-reset/{token}",
    "/password-set/{token}",
    "/email-change-cancel/{token}",
    "/email-restore/{token}",
    "/send-again/{token}",
    "/signup",
    "/account/log-in",
];
/// The paths of the API that are not in the OpenAPI document.
const OTHERS: [&str; 3] = ["/graphql", "/graphql/relay", "/hasura/actions"];
/// The fields of the forms.
const FORM_FIELDS: [&str; 6] = ["email", "code", "username", "name", "password", "again"];
/// The fields of [`OTHERS`].
const OTHER_FIELDS: [&str; 7] =
    ["query", "variables", "operationName", "extensions", "action", "input", "session_variables"];

/// A route, with the names of its fields.
#[derive(Clone, Debug)]
struct Route {
    method: Method,
    path: String,
    fields: Vec<String>,
    is_page: bool,
}

/// All routes that take a body.
async fn routes(site: &Site) -> Vec<Route> {
    let document = site.send(Method::GET, "/api/openapi.json", &[], "").await.json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            if [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&method) {
                let mut fields = Vec::new();
                collect_fields(&document, &operation["requestBody"], &mut fields);
                routes.push(Route { method, path: path.clone(), fields, is_page: false });
            }
        }
    }
    let post = |path: &str, fields: &[&str], is_page| Route {
        method: Method::POST,
        path: path.to_owned(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
        is_page,
    };
    routes.extend(OTHERS.map(|path| post(path, &OTHER_FIELDS, false)));
    routes.extend(FORMS.map(|path| post(path, &FORM_FIELDS, true)));
    routes
}

/// The names of the properties of a schema, and of those that it refers to.
fn collect_fields(document: &Value, schema: &Value, fields: &mut Vec<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(path) = parts.get("$ref").and_then(Value::as_str) {
                let referred = document.pointer(path.trim_start_matches('#')).unwrap();
                collect_fields(document, referred, fields);
            }
            let properties = parts.get("properties").and_then(Value::as_object);
            fields.extend(properties.into_iter().flat_map(Map::keys).cloned());
            parts.values().for_each(|part| collect_fields(document, part, fields));
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect_fields(document, part, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        2 => select(vec![
            "", " ", "ann", "ann@example.com", "123456", "null", "\0", "a@b", "eyJhbGciOiJub25lIn0.e30.",
            "00000000-0000-0000-0000-000000000000", "{ me { username } }", "-1", "1e999", "user_login",
        ])
        .prop_map(str::to_owned),
        1 => ("[a-z]{1,8}", "[a-z]{1,8}").prop_map(|(a, b)| format!("{a}@{b}.example")),
        1 => (any::<char>(), 1..400_usize).prop_map(|(c, count)| c.to_string().repeat(count)),
    ]
}

fn value(names: Vec<String>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => vec((select(names.clone()), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Most of the fields, with their values.
fn fields<V: std::fmt::Debug>(
    names: Vec<String>,
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = Vec<(String, V)>> {
    let values = vec(option::weighted(0.85, value), names.len());
    values.prop_map(move |values| {
        let fields = names.iter().zip(values);
        fields.filter_map(|(name, value)| Some((name.clone(), value?))).collect()
    })
}

/// A body for a route: JSON, or a form, and perhaps with some bytes changed.
fn body(route: Route) -> impl Strategy<Value = (Vec<u8>, &'static str)> {
    let mut names = route.fields.clone();
    names.push("other".to_owned());
    let json = prop_oneof![
        6 => fields(route.fields.clone(), text().prop_map(Value::from))
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        3 => fields(route.fields.clone(), value(names.clone()))
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        1 => value(names),
    ];
    let json = json.prop_map(|value| (value.to_string().into_bytes(), "application/json"));
    let form = fields(route.fields, text()).prop_map(|fields| {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let form = pairs.collect::<Vec<_>>().join("&");
        (form.into_bytes(), "application/x-www-form-urlencoded")
    });
    let (of_json, of_form) = if route.is_page { (1, 6) } else { (6, 1) };
    let other = vec(any::<u8>(), 0..200).prop_map(|bytes| (bytes, "application/json"));
    let kind = prop_oneof![
        8 => Just(None),
        1 => select(vec!["", "text/plain", "application/json; charset=x", "multipart/form-data; boundary=a"])
            .prop_map(Some),
    ];
    let changes = prop_oneof![
        3 => Just(Vec::new()),
        1 => vec((any::<Index>(), any::<u8>()), 1..6),
    ];
    (prop_oneof![of_json => json, of_form => form, 1 => other], changes, kind).prop_map(
        |((mut body, own), changes, kind)| {
            for (at, byte) in changes {
                if !body.is_empty() {
                    let at = at.index(body.len());
                    body[at] = byte;
                }
            }
            (body, kind.unwrap_or(own))
        },
    )
}

/// What a client shows as its access token.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Nothing,
    Own,
    Rubbish,
}

async fn ask(
    site: &Site,
    route: &Route,
    (body, kind): (Vec<u8>, &str),
    authorization: Option<&str>,
) -> Answer {
    let path = route.path.replace("{token}", "eyJhbGciOiJub25lIn0.e30.");
    let mut request =
        Request::builder().method(route.method.clone()).uri(path.replace(['{', '}'], ""));
    if !kind.is_empty() {
        request = request.header(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    }
    if let Some(shown) = authorization {
        request = request.header(AUTHORIZATION, shown);
    }
    site.respond(request.body(body.into()).unwrap()).await
}

fn assert_is_sound(route: &Route, answer: &Answer) {
    let Answer { status, text, headers } = answer;
    // A handler that panics answers 500.
    assert!(status.as_u16() < 500, "{route:?}: {status} {text}");
    if route.is_page || text.is_empty() {
        return;
    }
    let kind = headers.get(CONTENT_TYPE).unwrap().to_str().unwrap();
    assert!(kind.contains("json"), "{route:?}: {status} {kind} {text}");
    let answer: Value = serde_json::from_str(text).unwrap();
    assert!(answer.is_object() || answer.is_array() || status.is_success(), "{route:?}: {text}");
}

#[test]
fn whatever_body_a_route_gets_it_answers_as_it_does_to_clients() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let site = Arc::new(runtime.block_on(Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")])));
    let ann = runtime.block_on(site.signed_in("ann"));
    let routes = runtime.block_on(routes(&site));
    assert!(routes.len() > 30, "{routes:?}");
    for route in &routes {
        // Each of them is there, and takes an empty object and an empty form.
        for body in [
            (b"{}".to_vec(), "application/json"),
            (Vec::new(), "application/x-www-form-urlencoded"),
        ] {
            let answer = runtime.block_on(ask(&site, route, body, None));
            assert!(answer.status != 405, "{route:?}");
            assert!(answer.status != 404 || route.path.contains('{'), "{route:?}: {}", answer.text);
            assert_is_sound(route, &answer);
        }
    }
    let shown = select(vec![Shown::Nothing, Shown::Own, Shown::Rubbish]);
    let input = select(routes).prop_flat_map(|route| (body(route.clone()), Just(route)));
    let input = (input, shown);
    let mut runner = TestRunner::new(properties::config(1_500));
    let result = runner.run(&input, |((body, route), shown)| {
        let authorization = match shown {
            Shown::Nothing => None,
            Shown::Own => Some(ann.authorization()),
            Shown::Rubbish => Some("Bearer rubbish".to_owned()),
        };
        let answer = runtime.block_on(ask(&site, &route, body, authorization.as_deref()));
        assert_is_sound(&route, &answer);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
