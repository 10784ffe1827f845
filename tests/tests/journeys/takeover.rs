//! The power of a stolen access token: every operation of every dialect, by a session whose log-in is a while ago.
//!
//! The operations are those of the schema and of the REST document, so a new one fails these tests until it is in the
//! lists below, with the effect that it has for an attacker.

use std::collections::{BTreeMap, BTreeSet};

use accounts::model::{Client, PlainPassword};
use jiff::SignedDuration;
use journeys::{Actor, Door, HASURA, Item, PASSWORD, Site};
use serde_json::{Map, Value, json};

const OWNER: &str = "ann@example.com";
const THIEF: &str = "mallory@evil.example";

/// The attributes of a user that decide who can log in, and how.
const WAYS_IN: &[&str] = &[
    "email",
    "email_key",
    "former_emails",
    "is_active",
    "is_archived",
    "is_verified",
    "password",
    "pending_email",
    "pending_secondary_email",
    "role",
    "secondary_email",
    "secondary_email_key",
    "username",
    "username_key",
];

/// An account, a token of which is in wrong hands, and the table as it was then.
struct Stolen {
    site: Site,
    thief: Actor,
    owner: Actor,
    items: Vec<Item>,
}

impl Stolen {
    async fn token() -> Self {
        let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
        let owner = site.signed_in("ann").await;
        let caller = site.caller(&owner).await;
        let (second, password) = ("ann@second.example", PlainPassword::new(PASSWORD.to_owned()));
        site.accounts
            .send_secondary_email_activation(&caller, second, password, &Client::default())
            .await
            .unwrap();
        site.accounts.verify_secondary_email(&site.link_token(second).await).await.unwrap();
        let thief = site.log_in(&owner).await;
        site.deliver_mail().await;
        site.advance(SignedDuration::from_mins(11));
        let items = site.all_items().await;
        Self { site, thief, owner, items }
    }

    /// The value of an attacker for an input of that name.
    fn typed(&self, name: &str) -> Option<Value> {
        Some(match name {
            "email" => THIEF.into(),
            "username" => "mallory".into(),
            "password" | "oldPassword" | "old_password" => "a guess".into(),
            "password1" | "password2" | "newPassword1" | "newPassword2" | "new_password" => {
                "an evil jf84jfKKd".into()
            }
            "token" | "refreshToken" | "refresh" | "challenge" | "setup" | "loginId"
            | "login_id" => self.thief.access.clone().into(),
            "otp" | "code" => "000000".into(),
            "credential" => "{}".into(),
            "name" => "Mine".into(),
            "id" | "session" => self.owner.session_id().into(),
            "firstName" | "lastName" | "first_name" | "last_name" | "position" | "department" => {
                "Mallory".into()
            }
            "gender" => "OTHER".into(),
            "profilePicture" => Value::Null,
            "food" => "a hot dog".into(),
            "find" => OWNER.into(),
            "user" => self.owner.user_id().to_string().into(),
            "users" => json!([self.owner.user_id().to_string()]),
            "role" => "SUPERUSER".into(),
            "reason" => "none".into(),
            "ip" => "192.0.2.1".into(),
            "count" => 100.into(),
            "dryRun" => false.into(),
            "trustDevice" | "trust_device" => true.into(),
            _ => return None,
        })
    }

    /// The result of a call, in a word, and the changes of the table.
    async fn effect(&self, outcome: &str) -> String {
        let (before, after) = (by_key(&self.items), by_key(&self.site.all_items().await));
        let keys = before.keys().chain(after.keys()).filter(|key| !key.starts_with("AUDIT#"));
        let keys: BTreeSet<_> = keys.collect();
        let mut effects = BTreeSet::new();
        for key in keys {
            match (before.get(key), after.get(key)) {
                (Some(before), Some(after)) if key.ends_with(" USER") => {
                    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                    let changed =
                        names.into_iter().filter(|name| before.get(*name) != after.get(*name));
                    for name in changed {
                        assert!(!WAYS_IN.contains(&name.as_str()), "{name}: {outcome}");
                        effects.insert(format!("sets {name}"));
                    }
                }
                (Some(_), None) if key.contains(" SESSION#") => {
                    let is_own = key.ends_with(&self.thief.session_id());
                    effects
                        .insert(format!("ends {} session", if is_own { "its" } else { "another" }));
                }
                (None, Some(mail)) if key.ends_with(" MAIL") => {
                    let text = |name: &str| mail[name].as_s().unwrap().clone();
                    let to = if text("to") == OWNER { "the owner" } else { "the thief" };
                    let is_theirs = text("user_id") == self.owner.user_id().to_string();
                    assert!(!is_theirs || to == "the owner", "{outcome}");
                    let whose = if is_theirs { "" } else { " of another account" };
                    effects.insert(format!("mails {}{whose} to {to}", text("mail")));
                }
                (before, after) if before != after => {
                    let kind = key.split_once(' ').unwrap().1.split('#').next().unwrap();
                    let is_owners = key.contains(&self.owner.user_id().to_string());
                    assert!(!is_owners || kind == "SESSION", "{key}: {outcome}");
                    let what = if before.is_none() { "adds" } else { "changes" };
                    assert!(!(is_owners && before.is_none()), "a session of the owner: {outcome}");
                    effects.insert(format!("{what} {kind}"));
                }
                _ => {}
            }
        }
        let by_password = self.site.is_password(&self.owner, PASSWORD).await;
        assert!(by_password, "the owner gets in no more: {outcome}");
        self.site.restore(&self.items).await;
        let effects: Vec<_> = effects.into_iter().collect();
        if effects.is_empty() {
            outcome.to_owned()
        } else {
            format!("{outcome}: {}", effects.join(", "))
        }
    }
}

fn by_key(items: &[Item]) -> BTreeMap<String, Item> {
    let text = |item: &Item, name: &str| item[name].as_s().unwrap().clone();
    items
        .iter()
        .map(|item| (format!("{} {}", text(item, "pk"), text(item, "sk")), item.clone()))
        .collect()
}

/// `NonNull` and lists included, as a document names it.
fn type_name(of: &Value) -> String {
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", type_name(&of["ofType"])),
        Some("LIST") => format!("[{}]", type_name(&of["ofType"])),
        _ => of["name"].as_str().unwrap().to_owned(),
    }
}

fn bare(of: &Value) -> &Value {
    if of["ofType"].is_null() { of } else { bare(&of["ofType"]) }
}

const TYPES: &str = "{ __schema {
    queryType { name } mutationType { name }
    types { name kind fields { name args { name type { ...T } } type { ...T } }
        inputFields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

struct Schema(Value);

impl Schema {
    fn of(&self, name: &str) -> &Value {
        let mut types = self.0["types"].as_array().unwrap().iter();
        types.find(|one| one["name"] == name).unwrap()
    }

    /// `query` or `mutation`, and the field, of each operation.
    fn operations(&self) -> Vec<(&'static str, &Value)> {
        let of = |kind, root: &str| {
            let root = self.0[root]["name"].as_str().unwrap();
            let fields = self.of(root)["fields"].as_array().unwrap();
            fields.iter().map(move |field| (kind, field))
        };
        of("query", "queryType").chain(of("mutation", "mutationType")).collect()
    }

    fn value(&self, stolen: &Stolen, name: &str, of: &Value) -> Option<Value> {
        let kind = bare(of);
        if kind["kind"] == "INPUT_OBJECT" {
            let fields = self.of(kind["name"].as_str().unwrap())["inputFields"].as_array().unwrap();
            let given = fields.iter().filter_map(|field| {
                let name = field["name"].as_str().unwrap();
                Some((name.to_owned(), self.value(stolen, name, &field["type"])?))
            });
            return Some(given.collect::<Map<_, _>>().into());
        }
        let typed = stolen.typed(name);
        assert!(typed.is_some() || of["kind"] != "NON_NULL", "what would a thief give for {name}?");
        typed
    }

    fn selection(&self, of: &Value) -> &'static str {
        let kind = bare(of);
        let fields = match kind["kind"].as_str() {
            Some("OBJECT" | "INTERFACE") => {
                self.of(kind["name"].as_str().unwrap())["fields"].clone()
            }
            _ => return "",
        };
        let has = |name| fields.as_array().unwrap().iter().any(|field| field["name"] == name);
        if has("success") { "{ success errors }" } else { "{ __typename }" }
    }
}

/// In a word.
fn outcome(answer: &Value) -> String {
    if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
        let fields = answer["errors"][0]["extensions"]["fields"].as_object();
        let field = fields.and_then(|fields| fields.values().next());
        return field.map_or(code, |field| field[0]["code"].as_str().unwrap()).to_owned();
    }
    let it = &answer["data"]["it"];
    let refused = it["errors"].as_object().and_then(|errors| errors.values().next());
    match refused {
        Some(first) => first[0]["code"].as_str().unwrap().to_owned(),
        None if it.is_null() => "nothing".to_owned(),
        None => "done".to_owned(),
    }
}

/// Whether an input replaces the stolen token. `required_factors` has what it opens.
fn is_instead_of_a_token(operation: &str, input: &str) -> bool {
    let adds = ["beginApp", "addApp", "beginPasskey", "addPasskey"].contains(&operation)
        || ["app/begin/", "app/add/", "passkeys/begin/", "passkeys/add/"]
            .iter()
            .any(|path| operation == format!("/api/accounts/{path}"));
    input == "challenge" && adds
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_graphql() {
    let stolen = Stolen::token().await;
    let schema =
        Schema(stolen.site.graphql(TYPES, Value::Null).await.json()["data"]["__schema"].take());
    let mut found = Vec::new();
    for (kind, field) in schema.operations() {
        let name = field["name"].as_str().unwrap();
        let mut given = vec![("", Map::new())];
        for arg in field["args"].as_array().unwrap() {
            let arg_name = arg["name"].as_str().unwrap();
            if is_instead_of_a_token(name, arg_name) {
                continue;
            }
            if let Some(value) = schema.value(&stolen, arg_name, &arg["type"]) {
                given[0].1.insert(arg_name.to_owned(), value);
            }
        }
        // With what needs no proof alone, too.
        if name == "updateUser" {
            let mut less = given[0].1.clone();
            let input = less["input"].as_object_mut().unwrap();
            input.remove("password");
            given.push((" without a password", less.clone()));
            less["input"].as_object_mut().unwrap().remove("email");
            given.push((" without an address", less));
        }
        for (how, given) in given {
            let args = field["args"].as_array().unwrap().iter();
            let args = args.filter(|arg| given.contains_key(arg["name"].as_str().unwrap()));
            let (mut heads, mut calls) = (Vec::new(), Vec::new());
            for arg in args {
                let name = arg["name"].as_str().unwrap();
                heads.push(format!("${name}: {}", type_name(&arg["type"])));
                calls.push(format!("{name}: ${name}"));
            }
            let in_brackets = |parts: Vec<String>| {
                if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
            };
            let document = format!(
                "{kind}{} {{ it: {name}{} {} }}",
                in_brackets(heads),
                in_brackets(calls),
                schema.selection(&field["type"])
            );
            let answer = stolen.site.ask(&stolen.thief, &document, given.into()).await;
            assert!(answer.json()["data"].is_object(), "{document}: {}", answer.text);
            let effect = stolen.effect(&outcome(&answer.json())).await;
            found.push(format!("{name}{how} -> {effect}"));
        }
    }
    assert_eq!(found.join("\n"), GRAPHQL.trim());
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_rest() {
    let stolen = Stolen::token().await;
    let document: Value = serde_json::from_str(&graphql::openapi::document()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
            let inputs = document["components"]["schemas"][name]["properties"].as_object();
            let body: Map<_, _> = inputs
                .into_iter()
                .flatten()
                .filter(|(name, _)| !is_instead_of_a_token(path, name))
                .map(|(name, _)| {
                    let typed = stolen.typed(name);
                    (
                        name.clone(),
                        typed.unwrap_or_else(|| panic!("what would a thief give for {name}?")),
                    )
                })
                .collect();
            let header = format!("Bearer {}", stolen.thief.access);
            let method = method.to_uppercase();
            let answer = stolen.site.send_json(&method, path, Some(&header), &body.into()).await;
            let effect = stolen.effect(&answer.status.as_u16().to_string()).await;
            found.push((path, method.clone(), format!("{method} {path} -> {effect}")));
        }
    }
    // The order of a JSON object depends on the features that serde_json is built with.
    found.sort();
    let found: Vec<_> = found.into_iter().map(|(.., line)| line).collect();
    assert_eq!(found.join("\n"), REST.trim());
}

#[tokio::test]
async fn a_stolen_token_takes_no_account_over_by_the_actions_of_hasura() {
    let stolen = Stolen::token().await;
    let schema =
        Schema(stolen.site.graphql(TYPES, Value::Null).await.json()["data"]["__schema"].take());
    let of_hasura = schema.operations().into_iter().filter(|(_, field)| {
        field["args"].as_array().unwrap().iter().any(|arg| arg["name"] == "arg")
    });
    let in_schema: BTreeSet<_> =
        of_hasura.map(|(_, field)| field["name"].as_str().unwrap().to_owned()).collect();
    let walked: BTreeSet<_> = HASURA.iter().map(|operation| operation.name.to_owned()).collect();
    assert_eq!(walked, in_schema);
    let mut found = Vec::new();
    for operation in HASURA {
        let arg: Map<_, _> = operation
            .inputs
            .iter()
            .map(|name| ((*name).to_owned(), stolen.typed(name).unwrap()))
            .collect();
        let access = Some(stolen.thief.access.as_str());
        let done = stolen.site.hasura_as(access, Door::Action, operation.name, arg.into()).await;
        let effect = stolen.effect(&done.status.to_string()).await;
        found.push(format!("{} -> {effect}", operation.name));
    }
    assert_eq!(found.join("\n"), ACTIONS.trim());
}

/// The mutations for Relay are those of the other form, each by the same code.
#[tokio::test]
async fn the_form_for_relay_has_no_operation_of_its_own() {
    let site = Site::start().await;
    let names = |answer: Value| -> BTreeSet<String> {
        let schema = Schema(answer["data"]["__schema"].clone());
        schema.operations().into_iter().map(|(_, field)| field["name"].to_string()).collect()
    };
    let body = json!({ "query": TYPES }).to_string();
    let headers = [("content-type", "application/json")];
    let relay = site.send(axum::http::Method::POST, "/graphql/relay", &headers, body).await;
    let plain = site.graphql(TYPES, Value::Null).await;
    assert!(names(relay.json()).is_subset(&names(plain.json())));
}

const GRAPHQL: &str = "
me -> done
user -> nothing
users -> done
sessions -> done
trustedDevices -> done
recentActivity -> done
passkeys -> done
user_login -> invalid_credentials
user_refresh -> invalid_token
user_password_reset_validate -> invalid_token
whoami -> done
staffUser -> not_found
staffUsers -> not_found
staffTrail -> not_found
staffOverview -> not_found
staffNetwork -> not_found
register -> done: adds GUARD, adds SESSION, adds USER, mails activation of another account to the thief
verifyAccount -> invalid_token
resendActivationEmail -> done: adds DECOY
updateAccount -> done: sets first_name, sets last_name
exportAccount -> invalid_password
archiveAccount -> invalid_password
deleteAccount -> invalid_password
sendSecondaryEmailActivation -> invalid_password
verifySecondaryEmail -> invalid_token
swapEmails -> invalid_password
removeSecondaryEmail -> invalid_password
cancelEmailChange -> invalid_token
restoreEmail -> invalid_token
sendPasswordResetEmail -> done: adds DECOY
passwordReset -> invalid_token
passwordSet -> invalid_token
passwordChange -> invalid_password
tokenAuth -> invalid
verifyToken -> done
refreshToken -> invalid_token
revokeToken -> invalid_token
endSession -> done: ends another session
endOtherSessions -> done: changes SESSION, sets epoch
logout -> done: ends its session
sendLoginEmail -> done: adds DECOY
loginByEmail -> invalid_token
showLoginCode -> invalid_token
completeLogin -> invalid_token
stepUp -> invalid
beginApp -> invalid_password
addApp -> invalid_token
removeApp -> no_second_factor
replaceRecoveryCodes -> no_second_factor
endTrustedDevice -> not_found
endTrustedDevices -> done
beginPasskey -> invalid_password
addPasskey -> invalid_passkey
renamePasskey -> not_found
removePasskey -> no_second_factor
beginPasskeyLogin -> done: adds CHALLENGE
passkeyLogin -> invalid_passkey
beginPasskeyStep -> invalid_token
completeLoginByPasskey -> invalid_token
beginStepUp -> no_second_factor
stepUpByPasskey -> no_second_factor
user_register -> password_too_short
user_complete_login -> invalid_token
user_send_login_email -> done: adds DECOY
user_login_by_email -> invalid_token
user_show_login_code -> invalid_token
user_change_password -> invalid_password
user_password_reset -> done: adds DECOY
user_password_reset_confirm -> invalid_token
hotdog -> done
createUser -> password_too_short
refreshAccessToken -> invalid_token
updateUser -> invalid_password
updateUser without a password -> reauthentication_required
updateUser without an address -> done: sets department, sets first_name, sets gender, sets last_name, sets position
staffInvite -> not_found
staffExportUser -> not_found
staffVerify -> not_found
staffSetRole -> not_found
staffBan -> not_found
staffLiftBan -> not_found
staffEndSession -> not_found
staffEndSessions -> not_found
staffExpirePassword -> not_found
staffSendActivation -> not_found
staffSendReset -> not_found
staffClearEmailStatus -> not_found
staffLiftLocks -> not_found
staffLiftNetwork -> not_found
staffRemoveSecondFactor -> not_found
staffKeepSecondFactor -> not_found
staffDelete -> not_found
";

const REST: &str = "
POST /api/accounts/app/add/ -> 401
POST /api/accounts/app/begin/ -> 400
POST /api/accounts/app/remove/ -> 400
POST /api/accounts/export/ -> 400
POST /api/accounts/login/ -> 401
POST /api/accounts/login/email/ -> 200: adds DECOY
POST /api/accounts/login/email/code/ -> 401
POST /api/accounts/login/email/confirm/ -> 401
POST /api/accounts/login/passkey/ -> 400
POST /api/accounts/login/passkey/begin/ -> 200: adds CHALLENGE
POST /api/accounts/login/second-factor/ -> 401
POST /api/accounts/login/second-factor/passkey/ -> 401
POST /api/accounts/login/second-factor/passkey/begin/ -> 401
POST /api/accounts/logout/ -> 401
GET /api/accounts/me/ -> 200
PATCH /api/accounts/me/ -> 200: sets first_name, sets last_name
PUT /api/accounts/me/ -> 200: sets first_name, sets last_name
GET /api/accounts/passkeys/ -> 200
POST /api/accounts/passkeys/add/ -> 400
POST /api/accounts/passkeys/begin/ -> 400
POST /api/accounts/passkeys/remove/ -> 400
POST /api/accounts/passkeys/rename/ -> 404
POST /api/accounts/password/change/ -> 400
POST /api/accounts/password/reset/ -> 200: adds DECOY
POST /api/accounts/password/reset/confirm/ -> 400
POST /api/accounts/recovery-codes/replace/ -> 400
POST /api/accounts/send-otp/ -> 200: adds DECOY
POST /api/accounts/signup/ -> 400
POST /api/accounts/step-up/ -> 400
POST /api/accounts/step-up/passkey/ -> 400
POST /api/accounts/step-up/passkey/begin/ -> 400
POST /api/accounts/token/refresh/ -> 401
POST /api/accounts/token/verify/ -> 200
GET /api/accounts/trusted-devices/ -> 200
POST /api/accounts/trusted-devices/end-all/ -> 204
POST /api/accounts/trusted-devices/end/ -> 404
POST /api/accounts/verify-email/ -> 400
GET /api/openapi.json -> 200
POST /users/login/ -> 401
POST /users/login/email/ -> 200: adds DECOY
POST /users/login/email/code/ -> 401
POST /users/login/email/confirm/ -> 401
POST /users/login/second-factor/ -> 401
POST /users/reset_password/ -> 200: adds DECOY
POST /users/reset_password/confirm/ -> 404
POST /users/reset_password/validate_token/ -> 404
POST /users/token/refresh/ -> 401
PATCH /users/user/change_password/ -> 400
PUT /users/user/change_password/ -> 400
POST /users/user/register/ -> 400
";

const ACTIONS: &str = "
user_register -> 400
user_login -> 401
user_complete_login -> 401
user_send_login_email -> 200: adds DECOY
user_login_by_email -> 401
user_show_login_code -> 401
user_refresh -> 401
user_change_password -> 400
user_password_reset -> 200: adds DECOY
user_password_reset_validate -> 404
user_password_reset_confirm -> 404
hotdog -> 200
";
