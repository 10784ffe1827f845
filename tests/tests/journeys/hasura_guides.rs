//! Compares `docs/hasura.md` and `docs/add-an-operation.md` with the code.

use std::path::Path;

use accounts::config::Settings;
use accounts::model::Role;
use axum::http::Method;
use graphql::schema::{MutationStyle, RegisterArguments, Shape, sdl};
use journeys::{BASE_URL, HASURA, HasuraApi, PASSWORD, SECRET, Site, forge};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../docs/hasura.md");
const TOKENS: &str = include_str!("../../../docs/tokens.md");
const ADD: &str = include_str!("../../../docs/add-an-operation.md");

const NAMESPACE: &str = "https://hasura.io/jwt/claims";

/// The fenced blocks of a document, each with the text behind its opening fence.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = document.split("\n```").collect();
    parts
        .into_iter()
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').expect("a line after the fence"))
        .collect()
}

fn block(kind: &str) -> &'static str {
    blocks(GUIDE).into_iter().find(|(found, _)| *found == kind).expect("a block").1
}

#[test]
fn what_the_guide_to_an_operation_shows_is_in_the_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut compared = 0;
    for (kind, shown) in blocks(ADD) {
        let Some(path) = kind.strip_prefix("rust ") else { continue };
        let file = std::fs::read_to_string(root.join(path)).unwrap();
        assert!(file.contains(shown), "{path} does not have\n{shown}");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

/// Names with their types, in the order of a definition, without descriptions.
fn definitions(schema: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut is_described = false;
    for line in schema.lines() {
        if line.trim() == "\"\"\"" {
            is_described = !is_described;
        } else if !is_described {
            lines.push(line);
        }
    }
    let words = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let defined = words.split('}').filter_map(|definition| definition.split_once('{'));
    // Scalars have no braces: they end at the next definition.
    let name = |name: &str| {
        let words: Vec<_> = name.split_whitespace().collect();
        let kind = words.iter().rposition(|word| ["type", "input"].contains(word));
        words[kind.unwrap_or_default()..].join(" ")
    };
    defined.map(|(start, fields)| (name(start), fields.trim().to_owned())).collect()
}

#[test]
fn the_types_of_the_actions_are_those_of_the_schema() {
    let shape =
        Shape { style: MutationStyle::Arguments, registration: RegisterArguments::WithPassword };
    let ours = definitions(&sdl(shape));
    let of = |name: &str| &ours.iter().find(|(found, _)| found == name).expect(name).1;
    let theirs = definitions(block("graphql"));
    // Each operation has two types, but the steps of a log-in and the log-in by mail have the same answer.
    assert_eq!(theirs.len(), 2 + 2 * HASURA.len() - 2);
    for (name, fields) in &theirs {
        let ours = of(name);
        if ["type Query", "type Mutation"].contains(&name.as_str()) {
            let fields: Vec<_> = fields.split("Output").collect();
            let (_, fields) = fields.split_last().unwrap();
            assert!(fields.iter().all(|field| ours.contains(field.trim())), "{name}");
        } else {
            assert_eq!(fields, ours, "{name}");
        }
    }
}

#[test]
fn the_guides_have_every_role_and_each_may_call_the_actions() {
    let metadata: Value = serde_yaml_ng::from_str(block("yaml")).unwrap();
    for role in Role::ALL {
        let allowed: Vec<_> = role.allowed().iter().map(|name| format!("`{name}`")).collect();
        let row = format!("\n| `{role}` | `{role}` | {} |\n", allowed.join(", "));
        assert!(TOKENS.contains(&row), "{row}");
        for action in metadata["actions"].as_array().unwrap() {
            let permissions = action["permissions"].as_array().unwrap();
            let has = permissions.iter().any(|it| it["role"] == role.name());
            assert!(has, "{role}: {action}");
        }
    }
}

#[test]
fn the_metadata_has_every_action_and_every_type() {
    let metadata: Value = serde_yaml_ng::from_str(block("yaml")).unwrap();
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    let mut operations = HASURA.map(|operation| operation.name);
    operations.sort_unstable();
    assert_eq!(names(&metadata["actions"]), operations);
    for action in metadata["actions"].as_array().unwrap() {
        let operation = journeys::hasura(action["name"].as_str().unwrap());
        let kind = if operation.kind == "query" { "" } else { "synchronous" };
        assert_eq!(action["definition"]["kind"], kind, "{action}");
        assert_eq!(action["definition"]["forward_client_headers"], true, "{action}");
        assert_eq!(action["definition"]["headers"][0]["name"], "X-Action-Secret", "{action}");
    }
    for (kind, types) in [("input ", "input_objects"), ("type ", "objects")] {
        let mut defined: Vec<_> = definitions(block("graphql"))
            .into_iter()
            .filter_map(|(name, _)| Some(name.strip_prefix(kind)?.to_owned()))
            .filter(|name| !["Query", "Mutation"].contains(&name.as_str()))
            .collect();
        defined.sort_unstable();
        assert_eq!(names(&metadata["custom_types"][types]), defined);
    }
}

fn settings(base_url: &'static str, algorithm: &'static str, pem: &'static str) -> Settings {
    Settings::new(move |name| {
        let value = match name {
            "AUTH_SECRET" => SECRET,
            "BASE_URL" => base_url,
            "JWT_ALGORITHM" => algorithm,
            "JWT_PRIVATE_KEY" => pem,
            _ => return None,
        };
        Some(value.to_owned())
    })
}

#[test]
fn the_guide_shows_what_the_command_prints() {
    let shown: Value = serde_json::from_str(block("json")).unwrap();
    let printed = settings("https://accounts.example.com", "EdDSA", "").hasura_jwt_secret();
    assert_eq!(shown, printed.unwrap());
}

/// Whether a Hasura that was given `secret` takes the token: the rules that it publishes.
async fn is_accepted(site: &Site, secret: &Value, token: &str) -> bool {
    let header = forge::header(token);
    let is_signed = if let Some(url) = secret["jwk_url"].as_str() {
        let path = url.strip_prefix(BASE_URL).unwrap();
        let keys = site.send(Method::GET, path, &[], "").await.json();
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter().any(|key| {
            key["kid"] == header["kid"]
                && key["alg"] == header["alg"]
                && forge::is_signed_by(key, token)
        })
    } else {
        // The key is its characters.
        let key = secret["key"].as_str().unwrap();
        assert!(key.len() >= 32 && secret["type"] == header["alg"], "{secret}");
        let mut parts = token.split('.').map(forge::bytes);
        let mut text = || String::from_utf8(parts.next().unwrap()).unwrap();
        let (header, payload) = (text(), text());
        forge::token(&header, &payload, &forge::Signer::hs256(key)) == token
    };
    let payload = forge::payload(token);
    let claims = payload[NAMESPACE].as_object().unwrap();
    let allowed = claims["x-hasura-allowed-roles"].as_array().unwrap();
    let are_strings = claims.iter().all(|(name, value)| {
        let is_list = name == "x-hasura-allowed-roles";
        if is_list { allowed.iter().all(Value::is_string) } else { value.is_string() }
    });
    is_signed
        && are_strings
        && claims.keys().all(|name| name.starts_with("x-hasura-"))
        && allowed.contains(&claims["x-hasura-default-role"])
        && payload["iss"] == secret["issuer"]
        && payload["aud"] == secret["audience"]
        && payload["exp"].as_i64().unwrap() > site.now().as_second()
}

#[tokio::test]
async fn a_hasura_accepts_the_access_tokens_under_each_algorithm() {
    let pem: &'static str = forge::pem("PRIVATE KEY", &forge::rsa_pkcs8()).leak();
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256"] {
        let given = [("JWT_ALGORITHM", algorithm), ("JWT_PRIVATE_KEY", pem)];
        let site = Site::with(Box::leak(Box::new(given))).await;
        let secret = settings(BASE_URL, algorithm, pem).hasura_jwt_secret().unwrap();
        let ann = site.hasura_signed_in(HasuraApi::Action, "ann", PASSWORD).await;
        assert!(is_accepted(&site, &secret, &ann.access).await, "{algorithm} {secret}");
        assert!(site.store.set_role(ann.user_id(), Role::Staff).await.unwrap());
        let ann = site.hasura_log_in(HasuraApi::Rest, &ann, PASSWORD).await;
        assert!(is_accepted(&site, &secret, &ann.access).await, "{algorithm} {secret}");
        let claims = forge::payload(&ann.access)[NAMESPACE].clone();
        assert_eq!(claims["x-hasura-default-role"], "staff");
        assert_eq!(claims["x-hasura-allowed-roles"], json!(["user", "staff"]));

        let mut other = secret.clone();
        other["audience"] = json!("somebody else");
        assert!(!is_accepted(&site, &other, &ann.access).await, "{algorithm}");
        if algorithm == "HS256" {
            other["key"] = json!("x".repeat(43));
            other["audience"] = secret["audience"].clone();
            assert!(!is_accepted(&site, &other, &ann.access).await);
        }
    }
}
