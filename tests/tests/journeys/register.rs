use journeys::{Calls, PASSWORD, Site, error};
use serde_json::{Value, json};

const EMAIL_TAKEN: &str = "User with this Email address already exists.";
const USERNAME_TAKEN: &str = "A user with that username already exists.";
const BAD_USERNAME: &str = "Enter a valid username. This value may contain only letters, numbers, \
                            and @/./+/-/_ characters.";
const MISMATCH: &str = "The two password fields didn\u{2019}t match.";
const TOO_SHORT: &str = "This password is too short. It must contain at least 8 characters.";

fn refused(errors: &Value) -> Value {
    json!({ "success": false, "errors": errors, "token": null, "refreshToken": null })
}

fn required() -> Value {
    error("required", "This field is required.")
}

async fn password_errors(site: &Site, first: &str, second: &str) -> Value {
    site.register("m@example.com", "m", first, second).await["errors"].clone()
}

#[tokio::test]
async fn an_address_is_judged_as_django_does() {
    let site = Site::start().await;
    let invalid = json!([error("invalid", "Enter a valid email address.")]);
    let long = format!("{}@example.com", "a".repeat(250));
    let too_long =
        json!([error("max_length", "Ensure this value has at most 254 characters (it has 262).")]);
    for (email, errors) in [
        ("not-an-email", &invalid),
        ("a@foo", &invalid),
        ("a b@example.com", &invalid),
        ("", &json!([required()])),
        ("  ", &json!([required()])),
        (&long, &too_long),
    ] {
        let answer = site.register(email, "m", PASSWORD, PASSWORD).await;
        assert_eq!(answer, refused(&json!({ "email": errors })), "{email}");
    }
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn a_username_is_judged_as_django_does() {
    let site = Site::start().await;
    let invalid = json!([error("invalid", BAD_USERNAME)]);
    let long = "u".repeat(151);
    let too_long =
        json!([error("max_length", "Ensure this value has at most 150 characters (it has 151).")]);
    let null = json!([error("null_characters_not_allowed", "Null characters are not allowed.")]);
    for (name, errors) in [
        ("bad name!", &invalid),
        ("ann\u{202e}nna", &invalid),
        ("ann\u{7}", &invalid),
        ("", &json!([required()])),
        (&long, &too_long),
        ("a\0b", &null),
    ] {
        let answer = site.register("m@example.com", name, PASSWORD, PASSWORD).await;
        assert_eq!(answer, refused(&json!({ "username": errors })), "{name:?}");
    }
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn a_password_is_judged_by_every_rule_in_djangos_order() {
    let site = Site::start().await;
    let short = error("password_too_short", TOO_SHORT);
    let common = error("password_too_common", "This password is too common.");
    let numeric = error("password_entirely_numeric", "This password is entirely numeric.");
    for (password, errors) in [
        ("123", json!([short, common, numeric])),
        ("kdJ4x", json!([short])),
        ("password1", json!([common])),
        ("PASSWORD1", json!([common])),
        ("8374629105837", json!([numeric])),
    ] {
        let found = password_errors(&site, password, password).await;
        assert_eq!(found, json!({ "password2": errors }), "{password}");
    }
    let long = "x1".repeat(129);
    let text = "Ensure this value has at most 256 characters (it has 258).";
    let found = password_errors(&site, &long, &long).await;
    assert_eq!(found, json!({ "password2": [error("max_length", text)] }));
}

#[tokio::test]
async fn a_password_like_name_or_address_is_refused() {
    let site = Site::start().await;
    let register = async |email: &str, name: &str, password: &str| {
        site.register(email, name, password, password).await["errors"]["password2"].clone()
    };
    let like_name = register("m1@example.com", "marmaladejar", "marmaladejar1").await;
    let text = "The password is too similar to the username.";
    assert_eq!(like_name, json!([error("password_too_similar", text)]));
    let like_address = register("zebrafinchlake@example.com", "m1", "zebrafinchlake9").await;
    let text = "The password is too similar to the email address.";
    assert_eq!(like_address, json!([error("password_too_similar", text)]));
}

#[tokio::test]
async fn all_failing_fields_are_reported_at_once() {
    let site = Site::start().await;
    let answer = site.register("nope", "bad name!", "123", "1234").await;
    let errors = json!({
        "email": [error("invalid", "Enter a valid email address.")],
        "password2": [error("password_mismatch", MISMATCH)],
        "username": [error("invalid", BAD_USERNAME)],
    });
    assert_eq!(answer, refused(&errors));
}

#[tokio::test]
async fn a_mismatch_hides_what_else_is_wrong_with_the_password() {
    let site = Site::start().await;
    let found = password_errors(&site, "123", "1234").await;
    assert_eq!(found, json!({ "password2": [error("password_mismatch", MISMATCH)] }));
}

#[tokio::test]
async fn an_empty_first_password_does_not_hide_what_is_wrong_with_the_second() {
    let site = Site::start().await;
    let found = password_errors(&site, "", "kdJ4x").await;
    let second = json!([error("password_too_short", TOO_SHORT)]);
    assert_eq!(found, json!({ "password1": [required()], "password2": second }));
}

#[tokio::test]
async fn an_empty_second_password_is_missing_whatever_the_first_is() {
    let site = Site::start().await;
    let found = password_errors(&site, PASSWORD, "").await;
    assert_eq!(found, json!({ "password2": [required()] }));
    let found = password_errors(&site, "", "").await;
    assert_eq!(found, json!({ "password1": [required()], "password2": [required()] }));
}

#[tokio::test]
async fn a_registration_returns_taken_fields_with_all_other_errors() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let before = site.dump().await;
    let both = json!({
        "email": [error("unique", EMAIL_TAKEN)],
        "username": [error("unique", USERNAME_TAKEN)],
    });
    assert_eq!(site.register("ann@example.com", "ann", PASSWORD, PASSWORD).await, refused(&both));
    let mut all = both;
    all["password2"] = json!([error("password_mismatch", MISMATCH)]);
    assert_eq!(site.register("ann@example.com", "ann", PASSWORD, "zmxn7").await, refused(&all));
    let name_only = json!({
        "email": [error("invalid", "Enter a valid email address.")],
        "username": [error("unique", USERNAME_TAKEN)],
    });
    assert_eq!(site.register("nope", "ann", PASSWORD, PASSWORD).await, refused(&name_only));
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_name_that_looks_like_a_taken_one_is_taken() {
    let site = Site::start().await;
    site.sign_up("fisher").await;
    for name in [" fisher ", "FISHER", "\u{fb01}sher", "ｆｉｓｈｅｒ"] {
        let answer = site.register("other@example.com", name, PASSWORD, PASSWORD).await;
        assert_eq!(answer, refused(&json!({ "username": [error("unique", USERNAME_TAKEN)] })));
    }
}

#[tokio::test]
async fn an_address_that_looks_like_a_taken_one_is_taken() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    for email in [" ann@example.com ", "ANN@example.com", "ann@EXAMPLE.Com"] {
        let answer = site.register(email, "other", PASSWORD, PASSWORD).await;
        assert_eq!(answer, refused(&json!({ "email": [error("unique", EMAIL_TAKEN)] })), "{email}");
    }
}

#[tokio::test]
async fn a_name_is_kept_without_the_space_around_it_and_in_one_spelling() {
    let site = Site::start().await;
    let answer = site.register(" Fin@EXAMPLE.com ", " \u{fb01}N ", PASSWORD, PASSWORD).await;
    let header = format!("JWT {}", answer["token"].as_str().unwrap());
    let me = site.graphql_as(Some(&header), "{ me { username email } }", Value::Null).await;
    assert_eq!(me.json()["data"]["me"], json!({ "username": "fiN", "email": "Fin@example.com" }));
}

#[tokio::test]
async fn names_of_any_script_are_welcome() {
    let site = Site::start().await;
    for (number, name) in ["Jörg", "علی", "李雷"].into_iter().enumerate() {
        let email = format!("{number}@example.com");
        assert_eq!(site.register(&email, name, PASSWORD, PASSWORD).await["success"], true);
    }
}

#[tokio::test]
async fn a_registration_leaves_user_guards_session_and_mail() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let mut of_the_user = site.items("USER#").await;
    of_the_user.sort();
    assert_eq!(of_the_user.len(), 2, "{of_the_user:?}");
    assert!(of_the_user[0].starts_with("SESSION#"), "{of_the_user:?}");
    assert_eq!(of_the_user[1], "USER");
    assert_eq!(site.items("EMAIL#ann@example.com").await, ["GUARD"]);
    assert_eq!(site.items("USERNAME#ann").await, ["GUARD"]);
    assert_eq!(site.items("MAIL#").await, ["MAIL"]);
    assert_eq!(site.dump_without_trail().await.len(), 5);
}

#[tokio::test]
async fn a_registration_is_one_call_and_its_tokens_work() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    assert_eq!(site.calls.take(), Calls { round_trips: 1, calls: 1 });
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_password_is_taken_as_it_was_typed() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    let typed = " kdjf84jfKKd ";
    assert_eq!(site.register("a@example.com", "a", typed, typed).await["success"], true);
    let log_in = async |password: &str| {
        let variables = json!({ "username": "a", "password": password });
        site.token_auth(variables).await["success"].clone()
    };
    assert_eq!(log_in(typed).await, true);
    assert_eq!(log_in(typed.trim()).await, false);
}
