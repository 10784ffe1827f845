//! The operations of the dialect `hasura`: the same through all its APIs, and the parts that only GraphQL has.

use accounts::model::Role;
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Actor, HASURA, HasuraApi, PASSWORD, Site, forge, s};
use serde_json::{Value, json};

const NEW: &str = "zmxn73hhQQp";

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test]
async fn an_account_is_made_used_and_recovered_through_every_door() {
    for api in HasuraApi::ALL {
        let site = Site::start().await;
        let arg = json!({ "email": "ann@example.com", "username": "ann", "password": PASSWORD });
        let done = site.hasura(api, "user_register", arg).await;
        assert_eq!(done.body["username"], "ann", "{api:?} {done:?}");
        assert_eq!(done.body["email"], "ann@example.com");
        let claims = forge::payload(&text(&done.body["tokens"], "access"));
        assert_eq!(done.body["id"], claims["sub"]);
        assert!(done.body["tokens"]["refresh"].is_string());

        let log_in = |password| json!({ "username": "ann", "password": password });
        let early = site.hasura(api, "user_login", log_in(PASSWORD)).await;
        assert_eq!(early.status, 401, "{api:?} {early:?}");
        site.verify_account(&site.link_token("ann@example.com").await).await;
        let ann = Actor { name: "ann".to_owned(), ..Actor::default() };
        let ann = site.hasura_log_in(api, &ann, PASSWORD).await;

        let fresh =
            site.hasura(api, "user_refresh", json!({ "refresh": ann.refresh.clone() })).await;
        let access = text(&fresh.body, "access");
        let food = json!({ "food": "Hot Dog" });
        if api != HasuraApi::Rest {
            let hotdog = site.hasura_as(Some(&access), api, "hotdog", food).await;
            assert_eq!(hotdog.body, json!({ "is_hotdog": true }));
        }

        let change = json!({ "old_password": PASSWORD, "new_password": NEW });
        let changed = site.hasura_as(Some(&access), api, "user_change_password", change).await;
        assert_eq!((&changed.body["status"], &changed.body["code"]), (&json!("OK"), &json!(200)));
        let over = site.hasura(api, "user_refresh", json!({ "refresh": ann.refresh })).await;
        assert_eq!(over.status, 401, "{api:?} {over:?}");
        let bob = site.hasura_log_in(api, &ann, NEW).await;
        assert_eq!(site.sessions(&bob).await.len(), 1, "{api:?}");

        let email = json!({ "email": "ANN@example.com" });
        let asked = site.hasura(api, "user_password_reset", email).await;
        assert_eq!(asked.body, json!({ "status": "OK" }));
        let pair = json!({ "email": "ann@example.com",
            "token": site.link_token("ann@example.com").await });
        let valid = site.hasura(api, "user_password_reset_validate", pair.clone()).await;
        assert_eq!(valid.body, json!({ "status": "OK" }));
        let mut confirm = pair.clone();
        confirm["password"] = json!(PASSWORD);
        let reset = site.hasura(api, "user_password_reset_confirm", confirm.clone()).await;
        assert_eq!(reset.body, json!({ "status": "OK" }));
        for (operation, arg) in
            [("user_password_reset_validate", pair), ("user_password_reset_confirm", confirm)]
        {
            let again = site.hasura(api, operation, arg).await;
            assert_eq!(again.status, 404, "{api:?} {again:?}");
        }
        site.hasura_log_in(api, &ann, PASSWORD).await;
    }
}

/// The documents of the contract, to the letter.
#[tokio::test]
async fn documents_of_clients_work_as_they_are() {
    let site = Site::start().await;
    let register = r#"mutation ($email: String = "", $password: String = "", $username: String = "") {
  user_register(arg: {password: $password, username: $username, email: $email}) { id username email tokens }
}"#;
    let answer = site.graphql(register, Value::Null).await;
    assert_eq!(answer.json()["errors"][0]["extensions"]["status"], 400, "{}", answer.text);
    let fields = &answer.json()["errors"][0]["extensions"]["fields"];
    let blank = json!([{ "message": "This field may not be blank.", "code": "blank" }]);
    assert_eq!(*fields, json!({ "email": blank, "username": blank, "password": blank }));
    let ann = json!({ "email": "ann@example.com", "username": "ann", "password": PASSWORD });
    let answer = site.graphql(register, ann).await.json();
    assert_eq!(answer["data"]["user_register"]["username"], "ann", "{answer}");
    site.verify_account(&site.link_token("ann@example.com").await).await;

    let fill = |document: &str, text: &str| document.replace('…', text);
    let log_in =
        r#"query    { user_login(arg: {username: "ann", password: "…"}) { access refresh } }"#;
    let answer = site.graphql(&fill(log_in, PASSWORD), Value::Null).await.json();
    let refresh = text(&answer["data"]["user_login"], "refresh");
    let document = r#"query    { user_refresh(arg: {refresh: "…"}) { access } }"#;
    let answer = site.graphql(&fill(document, &refresh), Value::Null).await.json();
    let bearer = format!("Bearer {}", text(&answer["data"]["user_refresh"], "access"));
    let document = format!(
        r#"mutation {{ user_change_password(arg: {{old_password: "{PASSWORD}", new_password: "{NEW}"}}) {{ status code }} }}"#
    );
    let answer = site.graphql_as(Some(&bearer), &document, Value::Null).await.json();
    assert_eq!(
        answer,
        json!({ "data": { "user_change_password": { "status": "OK", "code": 200 } } })
    );

    let document = r#"mutation { user_password_reset(arg: {email: "…"}) { status } }"#;
    site.deliver_mail().await;
    site.graphql(&fill(document, "ann@example.com"), Value::Null).await;
    let token = site.link_token("ann@example.com").await;
    let pair = format!(r#"email: "ann@example.com", token: "{token}""#);
    for (name, document) in [
        (
            "user_password_reset_validate",
            format!("query {{ user_password_reset_validate(arg: {{{pair}}}) {{ status }} }}"),
        ),
        (
            "user_password_reset_confirm",
            format!(
                "mutation {{ user_password_reset_confirm(arg: {{{pair}, \
                 password: \"{PASSWORD}\"}}) {{ status }} }}"
            ),
        ),
    ] {
        let answer = site.graphql(&document, Value::Null).await.json();
        assert_eq!(answer, json!({ "data": { name: { "status": "OK" } } }));
    }
}

#[tokio::test]
async fn a_failure_has_the_core_s_code_and_the_status_of_rest() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    site.sign_up("bob").await;
    let access = Some(ann.access.as_str());
    let cases = [
        (
            None,
            "user_login",
            json!({ "username": "ann", "password": "no" }),
            "invalid_credentials",
            401,
        ),
        (
            None,
            "user_login",
            json!({ "username": "eve", "password": "no" }),
            "invalid_credentials",
            401,
        ),
        (
            None,
            "user_login",
            json!({ "username": "bob", "password": PASSWORD }),
            "not_verified",
            401,
        ),
        (None, "user_refresh", json!({ "refresh": ann.access }), "invalid_token", 401),
        (None, "hotdog", json!({ "food": "bun" }), "unauthenticated", 401),
        (Some("rubbish"), "hotdog", json!({ "food": "bun" }), "invalid_token", 401),
        (
            None,
            "user_password_reset_validate",
            json!({ "email": "ann@example.com", "token": ann.access }),
            "invalid_token",
            404,
        ),
        (
            access,
            "user_change_password",
            json!({ "old_password": "no", "new_password": NEW }),
            "invalid_password",
            400,
        ),
        (None, "user_password_reset", json!({ "email": "nobody" }), "invalid", 400),
    ];
    for api in [HasuraApi::GraphQl, HasuraApi::Action] {
        for (access, operation, arg, code, status) in cases.clone() {
            let refused = site.hasura_as(access, api, operation, arg).await;
            let extensions = &refused.body["extensions"];
            assert_eq!(refused.status, status, "{operation} {refused:?}");
            assert_eq!(extensions["code"], code, "{operation} {refused:?}");
            assert_eq!(extensions["status"], status, "{operation} {refused:?}");
            assert!(refused.body["message"].is_string(), "{operation}");
        }
    }
}

#[tokio::test]
async fn an_answer_lists_all_errors_of_a_field_under_its_name() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    let arg = json!({ "email": "ANN@example.com", "username": "Ann", "password": "12345" });
    let refused = site.hasura(HasuraApi::GraphQl, "user_register", arg).await;
    let fields = &refused.body["extensions"]["fields"];
    let codes = |name: &str| -> Vec<String> {
        let faults = fields[name].as_array().unwrap_or_else(|| panic!("{fields}"));
        faults.iter().map(|fault| text(fault, "code")).collect()
    };
    assert_eq!(codes("email"), ["unique"]);
    assert_eq!(codes("username"), ["unique"]);
    assert_eq!(
        codes("password"),
        ["password_too_short", "password_too_common", "password_entirely_numeric"]
    );
    let arg = json!({ "old_password": PASSWORD, "new_password": "short" });
    let access = Some(ann.access.as_str());
    let refused = site.hasura_as(access, HasuraApi::GraphQl, "user_change_password", arg).await;
    let faults = &refused.body["extensions"]["fields"];
    assert_eq!(faults["new_password"][0]["code"], "password_too_short", "{refused:?}");
}

#[tokio::test]
async fn a_get_request_calls_no_operation_of_hasura() {
    let site = Site::start().await;
    let ask = |query: &str| {
        let query: String = query
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'_' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        format!("/graphql?query={query}")
    };
    for operation in HASURA {
        let (kind, name) = (operation.kind, operation.name);
        for document in [
            format!("{kind} {{ {name}(arg: {{}}) {{ __typename }} }}"),
            format!("{kind} {{ x: {name}(arg: {{}}) {{ __typename }} }}"),
            format!(
                "{kind} {{ ...f }} fragment f on Query {{ {name}(arg: {{}}) {{ __typename }} }}"
            ),
        ] {
            let answer = site.send(Method::GET, &ask(&document), &[], "").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{}", answer.text);
            assert_eq!(answer.headers["allow"], "POST");
            assert_eq!(answer.code().as_deref(), Some("method_not_allowed"));
        }
    }
    let me = site.send(Method::GET, &ask("{ me { username } }"), &[], "").await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn a_document_holds_five_log_ins_and_not_six() {
    let site = Site::start().await;
    let document = |count: usize| {
        let fields: Vec<String> = (0..count)
            .map(|n| {
                format!("a{n}: user_login(arg: {{username: \"x\", password: \"y\"}}) {{ access }}")
            })
            .collect();
        format!("{{ {} }}", fields.join(" "))
    };
    assert_eq!(site.graphql(&document(5), Value::Null).await.status, StatusCode::OK);
    let refused = site.graphql(&document(6), Value::Null).await;
    assert_eq!(refused.code().as_deref(), Some("too_complex"));
}

#[tokio::test]
async fn a_refresh_token_stays_unless_the_site_rotates() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    for _ in 0..3 {
        site.advance(SignedDuration::from_mins(10));
        let fresh = site
            .hasura(HasuraApi::GraphQl, "user_refresh", json!({ "refresh": ann.refresh }))
            .await;
        assert_eq!(fresh.body["refresh"], json!(ann.refresh), "{fresh:?}");
        assert_ne!(fresh.body["access"], json!(ann.access));
    }

    let site = Site::with(&[("HASURA_ROTATE_REFRESH", "true")]).await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    let used = json!({ "refresh": ann.refresh });
    let fresh = site.hasura(HasuraApi::GraphQl, "user_refresh", used.clone()).await;
    assert_ne!(fresh.body["refresh"], json!(ann.refresh));
    site.advance(SignedDuration::from_mins(1));
    assert_eq!(site.hasura(HasuraApi::GraphQl, "user_refresh", used).await.status, 401);
}

#[tokio::test]
async fn a_user_who_is_banned_deleted_or_has_another_role_gets_no_refresh() {
    for api in HasuraApi::ALL {
        for what in ["banned", "deleted", "promoted", "demoted in the table"] {
            let site = Site::start().await;
            let ann = site.hasura_signed_in(api, "ann", PASSWORD).await;
            match what {
                "banned" => assert!(site.store.set_active(ann.user_id(), false).await.unwrap()),
                "deleted" => {
                    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
                    assert!(site.store.end_user(&user, None, &[]).await.unwrap());
                }
                "promoted" => {
                    assert!(site.store.set_role(ann.user_id(), Role::Staff).await.unwrap());
                }
                // By other means than ours, which would end all sessions.
                _ => site.set_on_user(&ann, "role", s("staff")).await,
            }
            let arg = json!({ "refresh": ann.refresh });
            let refused = site.hasura(api, "user_refresh", arg).await;
            assert_eq!(refused.status, 401, "{api:?} {what} {refused:?}");
        }
    }
}

#[tokio::test]
async fn registration_gives_no_tokens_where_the_site_gives_none() {
    let site = Site::with(&[("TOKENS_ON_REGISTER", "false")]).await;
    let arg = json!({ "email": "ann@example.com", "username": "ann", "password": PASSWORD });
    let done = site.hasura(HasuraApi::GraphQl, "user_register", arg).await;
    assert_eq!(done.body["tokens"], Value::Null, "{done:?}");
    assert_eq!(done.status, 200);
}

#[tokio::test]
async fn an_unverified_user_changes_no_password() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let arg = json!({ "old_password": PASSWORD, "new_password": NEW });
    for api in HasuraApi::ALL {
        let access = Some(ann.access.as_str());
        let refused = site.hasura_as(access, api, "user_change_password", arg.clone()).await;
        assert_eq!(refused.status, 401, "{api:?} {refused:?}");
    }
}

#[tokio::test]
async fn odd_inputs_are_refused_and_never_break_anything() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    let long = "x".repeat(50_000);
    let odd = ["", " ", "\0", "\u{1}\u{7f}", "\u{202e}nna", "🦀", "a\r\nb", "'; --", long.as_str()];
    for api in HasuraApi::ALL {
        for operation in HASURA.iter().filter(|o| api != HasuraApi::Rest || o.rest.is_some()) {
            for odd in odd {
                let arg: Value = operation.inputs.iter().map(|name| (*name, odd)).collect();
                let access = Some(ann.access.as_str());
                let refused = site.hasura_as(access, api, operation.name, arg).await;
                let is_harmless = operation.name == "hotdog" && refused.status == 200;
                let is_refused = (400..500).contains(&refused.status);
                assert!(is_refused || is_harmless, "{api:?} {} {refused:?}", operation.name);
            }
        }
    }
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_refusal() {
    use embedded::{Fault, Times};
    for api in HasuraApi::ALL {
        let site = Site::start().await;
        let ann = site.hasura_signed_in(api, "ann", PASSWORD).await;
        site.aws.faults().fail("GetItem", Times::Always, Fault::Rejected);
        let arg = json!({ "refresh": ann.refresh });
        assert_eq!(site.hasura(api, "user_refresh", arg).await.status, 503, "{api:?}");
    }
}

#[tokio::test]
async fn only_a_user_learns_whether_a_food_is_a_hotdog() {
    let site = Site::start().await;
    let ann = site.hasura_signed_in(HasuraApi::GraphQl, "ann", PASSWORD).await;
    for (food, is_hotdog) in
        [("hotdog", true), ("Hot-Dogs", true), (" HOT  dog ", true), ("dog", false), ("🌭", false)]
    {
        let arg = json!({ "food": food });
        let answer = site.hasura_as(Some(&ann.access), HasuraApi::GraphQl, "hotdog", arg).await;
        assert_eq!(answer.body, json!({ "is_hotdog": is_hotdog }), "{food}");
    }
    site.log_out(&ann).await;
    let arg = json!({ "food": "hotdog" });
    let refused = site.hasura_as(Some(&ann.access), HasuraApi::GraphQl, "hotdog", arg).await;
    assert_eq!(refused.status, 401, "{refused:?}");
}
