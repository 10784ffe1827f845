//! Items as a release writes them. Later releases must still be able to read them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use accounts::model::{Client, EmailStatus, PlainPassword};
use accounts::operations::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::extract::ConnectInfo;
use axum::http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::{Actor, Item, PASSWORD, Site};

/// The newest file.
pub const NEWEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/items-2.json");
/// All files: one for each time that a version was raised.
pub const ALL: [&str; 2] =
    [include_str!("../fixtures/items-1.json"), include_str!("../fixtures/items-2.json")];

const THROTTLED: &[(&str, &str)] = &[("THROTTLE", "on")];
const CONCEALING: &[(&str, &str)] = &[("THROTTLE", "on"), ("CONCEAL_ACCOUNTS", "true")];

/// A table, and the tokens and codes that its users hold.
#[derive(Clone, Debug)]
pub struct Fixtures(Value);

impl Fixtures {
    /// The content of such a file.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("a file of fixtures"))
    }

    /// The file's text.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.0)
    }

    /// The items that this release writes: ann has verified and done much, bob has a mail with a link and a code, and
    /// carol's mail was not sent yet.
    pub async fn written_now() -> Self {
        let (site, held) = Box::pin(write()).await;
        let mut items: Vec<_> = site.all().await.iter().map(in_json).collect();
        items.sort_by_key(|item| format!("{}{}", item["pk"], item["sk"]));
        Self(json!({ "at": site.now().to_string(), "held": held, "items": items }))
    }

    /// A site with that table, at that time.
    pub async fn site(&self) -> Site {
        let site = Site::with(THROTTLED).await;
        let at: Timestamp = self.0["at"].as_str().expect("a time").parse().expect("a time");
        site.advance(at.duration_since(site.now()));
        for item in self.items() {
            site.put(item).await;
        }
        site
    }

    /// The items.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        self.0["items"].as_array().into_iter().flatten().map(of_json)
    }

    /// A token or a code that a user held.
    pub fn held(&self, what: &str) -> &str {
        self.holds(what).expect("something held")
    }

    /// The same, if a user held it when the file was written.
    pub fn holds(&self, what: &str) -> Option<&str> {
        self.0["held"][what].as_str()
    }

    /// Of each kind and version, each attribute with its type.
    pub fn shapes(&self) -> BTreeSet<String> {
        let items = self.0["items"].as_array().into_iter().flatten();
        let shapes = items.flat_map(|item| {
            let attributes = item.as_object().into_iter().flatten();
            let (kind, version) = (&item["kind"]["S"], &item["version"]["N"]);
            attributes.map(move |(name, value)| format!("{kind} {version} {name} {}", shape(value)))
        });
        shapes.collect()
    }
}

/// The type of an attribute, and of its content.
fn shape(value: &Value) -> String {
    let (kind, value) = value.as_object().and_then(|value| value.iter().next()).expect("a type");
    match value {
        Value::Array(values) => {
            format!("{kind}{:?}", values.iter().map(shape).collect::<BTreeSet<_>>())
        }
        Value::Object(map) => {
            let fields = map.iter().map(|(name, value)| format!("{name} {}", shape(value)));
            format!("{kind}{:?}", fields.collect::<BTreeSet<_>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => kind.clone(),
    }
}

async fn write() -> (Site, Value) {
    let site = Site::with(THROTTLED).await;
    let ann = site.sign_up("ann").await;
    site.verify_account(&site.link_token(&ann.email()).await).await;
    let ann = site.log_in(&ann).await;
    let document = "mutation { updateUser(input: {firstName: \"Ann\", gender: FEMALE,
        position: \"Baker\", department: \"Bread\"}) { ok } }";
    site.ask(&ann, document, Value::Null).await;
    let user = site.store.user(ann.user_id()).await.expect("the table answers");
    let user = user.expect("a user");
    site.store.set_picture(&user, "profile_pics/ann/1.png").await.expect("a picture");
    let user = site.store.user(ann.user_id()).await.expect("the table answers").expect("a user");
    site.store.mark_compared(&user, &[]).await.expect("the table answers");
    let arguments = format!("email: \"ann@second.example\", password: \"{PASSWORD}\"");
    let document =
        format!("mutation {{ sendSecondaryEmailActivation({arguments}) {{ success }} }}");
    site.ask(&ann, &document, Value::Null).await;
    let second = site.link_token("ann@second.example").await;
    let document =
        format!("mutation {{ verifySecondaryEmail(token: \"{second}\") {{ success }} }}");
    site.graphql(&document, Value::Null).await;
    for address in [ann.email(), "ann@second.example".to_owned()] {
        let marked = site.store.set_email_status(ann.user_id(), &address, EmailStatus::Ok, None);
        assert!(marked.await.expect("the table answers"));
    }
    let ended = site.log_in(&ann).await;
    site.log_out(&ended).await;
    let ann = site.refreshed(&ann).await;
    site.advance(SignedDuration::from_mins(5));
    let bob = site.sign_up("bob").await;
    let (link, code) = (site.link_token(&bob.email()).await, site.code(&bob.email()).await);
    // This mail is dropped, because the one before was requested a moment ago.
    let document = "mutation { resendActivationEmail(email: \"bob@example.com\") { success } }";
    site.graphql(document, Value::Null).await;
    site.deliver_mail().await;
    site.advance(SignedDuration::from_mins(5));
    site.send_password_reset(&ann.email()).await;
    site.deliver_mail().await;
    site.send_password_reset("nobody@example.com").await;
    sign_up_dave(&site).await;
    site.deliver_mail().await;
    guess(&site, &ann).await;
    let site = site.restarted_with(CONCEALING);
    site.register(&ann.email(), "annie", PASSWORD, PASSWORD).await;
    let erin = site.sign_up("erin").await;
    let pending = site.link_token(&erin.email()).await;
    let site = site.restarted_with(THROTTLED);
    Box::pin(import_frank(&site)).await;
    let carol = site.sign_up("carol").await;
    let Actor { access, refresh, .. } = ann;
    let held = json!({ "access": access, "refresh": refresh, "link": link, "code": code,
        "carols refresh": carol.refresh, "pending link": pending });
    (site, held)
}

/// Wrong passwords: enough for dave to lock a network, and one in ann's session.
async fn guess(site: &Site, ann: &Actor) {
    let client = Client { ip: Some("192.0.2.1".to_owned()), ..Client::default() };
    for _ in 0..5 {
        let (dave, wrong) =
            (Credentials::Username("dave".to_owned()), PlainPassword::new("not it"));
        let answer = site.accounts.log_in(dave, wrong, &client).await;
        assert!(answer.is_err(), "{answer:?}");
    }
    let document = "mutation { archiveAccount(password: \"not it\") { success } }";
    site.ask(ann, document, Value::Null).await;
}

/// Imports a user from another system.
async fn import_frank(site: &Site) {
    let frank = json!({ "legacy_id": 42, "username": "frank", "email": "frank@example.com" });
    let frank = serde_json::from_value(frank).expect("a record");
    let import = site.accounts.import("eve", "run", false).expect("an operator");
    import.write(&import.prepare(&frank).expect("a user")).await.expect("the table answers");
}

/// Signs up from a browser, whose request has more headers.
async fn sign_up_dave(site: &Site) {
    let dave = json!({ "email": "dave@example.com", "username": "dave", "password": PASSWORD });
    let request = Request::post("/api/accounts/signup/").header("content-type", "application/json");
    let request =
        request.header("user-agent", "a browser").header("accept-language", "de, fa;q=0.5");
    let mut request = request.body(dave.to_string().into()).expect("a request");
    let address: SocketAddr = ([203, 0, 113, 7], 443).into();
    request.extensions_mut().insert(ConnectInfo(address));
    assert_eq!(site.respond(request).await.status, 201);
}

fn in_json(item: &Item) -> Value {
    item.iter()
        .map(|(name, value)| (name.clone(), value_in_json(value)))
        .collect::<Map<_, _>>()
        .into()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is the SDK's, and may grow")]
fn value_in_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(value_in_json).collect::<Vec<_>>() })
        }
        AttributeValue::M(values) => json!({ "M": in_json(values) }),
        other => panic!("no item has such an attribute: {other:?}"),
    }
}

fn of_json(item: &Value) -> Item {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| (name.clone(), value_of_json(value))).collect()
}

fn value_of_json(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().and_then(|value| value.iter().next()).expect("a type");
    let text = || value.as_str().expect("a text").to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value == true),
        "NULL" => AttributeValue::Null(true),
        "L" => {
            AttributeValue::L(value.as_array().into_iter().flatten().map(value_of_json).collect())
        }
        "M" => AttributeValue::M(of_json(value)),
        other => panic!("no item has such an attribute: {other}"),
    }
}
