//! The queries of `docs/operate.md` and `docs/logs.md`: the functions write the fields that they read.

use std::fs;
use std::path::Path;

use accounts::model::Role;
use accounts::telemetry::{Context, in_context};
use journeys::log::lines_of;
use journeys::{Actor, PASSWORD, Site};
use regex_lite::Regex;
use serde_json::Value;

const OPERATE: &str = include_str!("../../../docs/operate.md");
const LOGS: &str = include_str!("../../../docs/logs.md");

/// One part of a filter: a field, whether it must have one of the values, and the values.
#[derive(Debug)]
struct Term {
    field: String,
    is_wanted: bool,
    values: Vec<String>,
}

/// The blocks of a guide that Logs Insights is to run.
fn queries(guide: &str) -> impl Iterator<Item = &str> {
    let blocks = guide.split("```").skip(1).step_by(2);
    blocks.filter(|block| {
        block.lines().any(|line| line.trim_start_matches("| ").starts_with("filter "))
    })
}

/// The terms of the filters of a query; all of it must be understood.
fn terms(query: &str) -> Vec<Term> {
    let lines = query.lines().map(|line| line.trim_start_matches("| "));
    let filters = lines.filter_map(|line| line.strip_prefix("filter "));
    let term = Regex::new(r#"^(\w+) (=|!=|in|not in) (\[[^\]]*\]|"[^"]*")$"#).unwrap();
    let quoted = Regex::new(r#""([^"]*)""#).unwrap();
    let separator = Regex::new(" and | or ").unwrap();
    let parts: Vec<_> =
        filters.flat_map(|filter| separator.split(filter).collect::<Vec<_>>()).collect();
    let read = |part: &str| {
        let found = term.captures(part).unwrap_or_else(|| panic!("{part:?} is not understood"));
        Term {
            field: found[1].to_owned(),
            is_wanted: ["=", "in"].contains(&&found[2]),
            values: quoted.captures_iter(&found[3]).map(|it| it[1].to_owned()).collect(),
        }
    };
    parts.into_iter().map(read).collect()
}

/// The fields that a query shows or groups by.
fn fields(query: &str) -> Vec<String> {
    let lines = query.lines().map(|line| line.trim_start_matches("| "));
    let lists = lines.filter_map(|line| {
        let by = line.starts_with("stats ").then(|| line.rsplit_once(" by ")).flatten();
        line.strip_prefix("fields ").or(by.map(|(_, fields)| fields))
    });
    let names = lists.flat_map(|list| list.split(", ")).map(str::to_owned);
    names.filter(|name| !name.starts_with('@')).collect()
}

/// All that the functions are made of, and the template, which has the format of the access log.
fn sources() -> String {
    fn add(path: &Path, all: &mut String) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                add(&entry.unwrap().path(), all);
            }
        } else if path.extension().is_some_and(|it| it == "rs" || it == "yaml") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = String::new();
    for part in [
        "shared/src",
        "functions/graphql/src",
        "functions/email-event/src",
        "functions/token-cleanup/src",
        "template.yaml",
    ] {
        add(&root.join(part), &mut all);
    }
    all
}

#[test]
fn every_field_and_value_that_a_query_names_is_written_somewhere() {
    let sources = sources();
    // Of these, a query shows an example.
    let ids = ["user", "request_id", "api_request_id"];
    let mut count = 0;
    for query in queries(OPERATE).chain(queries(LOGS)) {
        let terms = terms(query);
        assert!(!terms.is_empty(), "{query}");
        for name in fields(query).iter().chain(terms.iter().map(|term| &term.field)) {
            let is_written = Regex::new(&format!(r#"["( ,&]{name}["\s,)=.]"#)).unwrap();
            assert!(is_written.is_match(&sources), "nothing writes the field {name}: {query}");
        }
        for Term { field, values, .. } in terms {
            count += values.len();
            for value in values.into_iter().filter(|_| !ids.contains(&field.as_str())) {
                let literal = format!("\"{value}\"");
                assert!(sources.contains(&literal), "nothing writes {field} = {literal}: {query}");
            }
        }
    }
    assert!(count > 10, "{count}");
}

/// The lines that a query finds. All of its terms must hold.
fn found<'a>(query: &str, lines: &'a [Value]) -> Vec<&'a Value> {
    assert!(!query.contains(" or "));
    let terms = terms(query);
    let fits = |line: &&Value| {
        terms.iter().all(|Term { field, is_wanted, values }| {
            let value = line[field.as_str()].as_str().unwrap_or_default();
            values.iter().any(|it| it == value) == *is_wanted
        })
    };
    lines.iter().filter(fits).collect()
}

#[tokio::test]
async fn after_a_restore_the_query_finds_only_users_who_were_banned_got_a_role_or_left() {
    let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
    let staff = site.signed_in("boss").await;
    assert!(site.store.set_role(staff.user_id(), Role::Superuser).await.unwrap());
    let staff = site.log_in(&staff).await;
    let [banned, promoted, left, put_away] = ["ann", "bob", "cleo", "dora"];
    let mut users: Vec<Actor> = Vec::new();
    for name in [banned, promoted, left, put_away] {
        users.push(site.signed_in(name).await);
    }
    let caller = site.caller(&staff).await;
    let admin = site.accounts.admin(&caller).unwrap();
    let id = "6c1d9b0e-7d7a-4c3e-9a54-0000deadbeef".to_owned();
    let context = Context { request_id: id.clone(), ..Context::default() };
    in_context(context, async {
        admin.ban(users[0].user_id(), "spam", None).await.unwrap();
        admin.set_role(users[1].user_id(), Role::Staff, None).await.unwrap();
        // A refused change has no effect.
        assert!(admin.ban(staff.user_id(), "", None).await.is_err());
    })
    .await;
    let mut lines = lines_of(&id);
    for (user, operation) in [(&users[2], "deleteAccount"), (&users[3], "archiveAccount")] {
        let document =
            format!("mutation {{ {operation}(password: \"{PASSWORD}\") {{ success }} }}");
        let answer = site.ask(user, &document, Value::Null).await;
        assert_eq!(answer.json()["data"][operation]["success"], true, "{}", answer.text);
        lines.extend(lines_of(answer.request_id()));
    }
    let query = queries(OPERATE).find(|query| query.contains("set_role")).unwrap();
    let found = found(query, &lines);
    let ids: Vec<_> = found.iter().map(|line| line["user"].as_str().unwrap()).collect();
    let expected: Vec<_> = users.iter().map(|user| user.user_id().to_string()).collect();
    assert_eq!(ids, expected);
    assert_eq!(found[0]["operation"], "ban");
    assert_eq!(found[1]["role"], "staff");
    assert_eq!(found[2]["is_for_good"], true);
}
