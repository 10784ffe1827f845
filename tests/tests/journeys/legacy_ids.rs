//! The primary key of a user in the system that the user was imported from.

use accounts::model::{Record, Role};
use accounts::operations::Judged;
use journeys::{Actor, PASSWORD, Site, forge};
use serde_json::{Value, json};

/// Of `PASSWORD`; made by `argon2-cffi`.
const HASH: &str = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";
const CLAIMED: &[(&str, &str)] = &[("LEGACY_ID_CLAIM", "on")];

/// Imports a user with that legacy id and the password of all.
async fn import(site: &Site, name: &str, legacy_id: &str) -> Judged {
    let record: Record = serde_json::from_value(json!({
        "legacy_id": legacy_id,
        "username": name,
        "email": format!("{name}@example.com"),
        "is_verified": true,
        "password": HASH,
    }))
    .unwrap();
    let import = site.accounts.import("eve", "run", false).unwrap();
    import.write(&import.prepare(&record).unwrap()).await.unwrap()
}

async fn log_in(site: &Site, name: &str) -> Actor {
    let answer = site.token_auth(json!({ "username": name, "password": PASSWORD })).await;
    let [name, access, refresh] =
        [json!(name), answer["token"].clone(), answer["refreshToken"].clone()]
            .map(|text| text.as_str().unwrap().to_owned());
    Actor { name, access, refresh }
}

#[tokio::test]
async fn staff_find_a_user_by_exactly_the_old_id() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let Judged::New(ann) = import(&site, "ann", "42").await else { panic!() };
    import(&site, "bob", "420").await;
    for text in ["42", " 42 ", "legacy:42"] {
        let call = format!("staffUser(find: \"{text}\") {{ id legacyId }}");
        let found = site.call(&boss, "query", &call).await.unwrap();
        assert_eq!(found, json!({ "id": ann, "legacyId": "42" }), "{text}");
    }
    for text in ["4", "042", "43"] {
        let call = format!("staffUser(find: \"{text}\") {{ id }}");
        assert_eq!(site.call(&boss, "query", &call).await, Err("not_found".to_owned()), "{text}");
    }
    let call = "staffUsers(filter: {legacyId: \"42\"}) { edges { node { username } } }";
    let found = site.call(&boss, "query", call).await.unwrap();
    assert_eq!(found, json!({ "edges": [{ "node": { "username": "ann" } }] }));
}

#[tokio::test]
async fn a_name_goes_before_the_old_id_of_another_user() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    import(&site, "ann", "bob").await;
    import(&site, "bob", "7").await;
    let find = async |text: &str| {
        let call = format!("staffUser(find: \"{text}\") {{ username }}");
        site.call(&boss, "query", &call).await.unwrap()["username"].clone()
    };
    assert_eq!(find("bob").await, "bob");
    assert_eq!(find("legacy:bob").await, "ann");
}

#[tokio::test]
async fn a_client_that_knows_old_ids_gets_the_user_by_them_if_it_may_see_the_user() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Staff, "boss").await;
    import(&site, "ann", "42").await;
    import(&site, "bob", "43").await;
    let ann = log_in(&site, "ann").await;
    // The second one is base64 of `UserNode:42`, as graphene-django made it.
    for id in ["42", "\"42\"", "\"VXNlck5vZGU6NDI=\""] {
        let document = format!("{{ user(id: {id}) {{ username }} }}");
        for caller in [&boss, &ann] {
            let answer = site.ask(caller, &document, Value::Null).await;
            assert_eq!(answer.json()["data"]["user"]["username"], "ann", "{id}");
        }
    }
    let answer = site.ask(&ann, "{ user(id: 43) { username } }", Value::Null).await;
    assert_eq!(answer.json()["data"]["user"], Value::Null, "ann sees only herself");
    let answer = site.ask(&boss, "{ user(id: 44) { username } }", Value::Null).await;
    assert_eq!(answer.json()["data"]["user"], Value::Null);
}

#[tokio::test]
async fn tokens_claim_the_old_id_only_if_the_site_says_so_and_only_of_users_who_have_one() {
    for (settings, expected) in [(&[] as &'static [_], None), (CLAIMED, Some("42"))] {
        let site = Site::with(settings).await;
        let Judged::New(id) = import(&site, "ann", "42").await else { panic!() };
        let ann = log_in(&site, "ann").await;
        let ann = site.assert_goes_on(&ann).await;
        let payload = forge::payload(&ann.access);
        assert_eq!(payload["sub"], json!(id));
        assert_eq!(payload.get("legacy_id").and_then(Value::as_str), expected);
        let own = id.to_string();
        let user_id = &payload["https://hasura.io/jwt/claims"]["x-hasura-user-id"];
        assert_eq!(user_id, expected.unwrap_or(&own));

        let bob = site.signed_in("bob").await;
        let payload = forge::payload(&bob.access);
        assert!(payload.get("legacy_id").is_none());
        let user_id = &payload["https://hasura.io/jwt/claims"]["x-hasura-user-id"];
        assert_eq!(*user_id, bob.user_id().to_string());
    }
}

#[tokio::test]
async fn an_old_id_has_one_user_and_is_free_again_after_the_deletion_for_good() {
    let site = Site::start().await;
    let Judged::New(ann) = import(&site, "ann", "42").await else { panic!() };
    let Judged::Rejected(faults) = import(&site, "bob", "42").await else { panic!() };
    assert_eq!(faults.codes().collect::<Vec<_>>(), ["legacy_id: unique"]);
    site.accounts.operator("eve").unwrap().delete(ann, "", None).await.unwrap();
    assert!(site.items("LEGACY#").await.is_empty());
    assert!(matches!(import(&site, "bob", "42").await, Judged::New(_)));
    site.assert_addresses_have_unique_keys().await;
    let [unique_keys, accounts] = site.owners().await;
    assert_eq!(unique_keys, accounts);
}

/// Otherwise an imported user could have the id of another user, in tokens and in searches.
#[tokio::test]
async fn an_old_id_that_is_a_uuid_is_the_id_of_the_user() {
    let site = Site::start().await;
    let id = "5f7c8ec7-c33c-4c00-8bba-fe8201920000";
    let Judged::New(ann) = import(&site, "ann", &id.to_uppercase()).await else { panic!() };
    assert_eq!(ann.to_string(), id);
    assert!(site.items("LEGACY#").await.is_empty());
}
