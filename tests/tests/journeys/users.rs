//! `users` and `user`: the visible users, and the pages.

use accounts::model::Role;
use journeys::{Actor, Answer, Site};
use serde_json::{Value, json};

/// Answers of the real library: three lists of users, each line a request.
const RECORDED: &str = include_str!("../../recordings/users.jsonl");

const PAGE: &str = "{pageInfo{hasNextPage hasPreviousPage startCursor endCursor}
    edges{cursor node{username}}}";

async fn users(site: &Site, actor: Option<&Actor>, arguments: &str) -> Answer {
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    let header = actor.map(Actor::authorization);
    let document = format!("{{users{arguments}{PAGE}}}");
    site.graphql_as(header.as_deref(), &document, Value::Null).await
}

async fn names(site: &Site, actor: Option<&Actor>, arguments: &str) -> Vec<String> {
    let answer = users(site, actor, arguments).await.json();
    let edges = answer["data"]["users"]["edges"].as_array().cloned();
    let edges = edges.unwrap_or_else(|| panic!("{answer}"));
    edges.iter().map(|edge| edge["node"]["username"].as_str().unwrap().to_owned()).collect()
}

async fn found(site: &Site, actor: Option<&Actor>, id: &Value) -> Answer {
    let header = actor.map(Actor::authorization);
    let document = "query($id: ID!) { user(id: $id) { id pk username } }";
    site.graphql_as(header.as_deref(), document, json!({ "id": id })).await
}

/// The users of the requests to the library.
async fn recorded_users(site: &Site, which: &str) {
    match which {
        "seven" => {
            site.add_user("alice", |user| user.is_verified = true).await;
            site.add_user("Alice2", |user| {
                user.is_verified = true;
                user.secondary_email = Some("Second@example.com".to_owned());
                user.secondary_email_key = Some("second@example.com".to_owned());
            })
            .await;
            site.add_user("bob", |_| {}).await;
            site.add_user("al_x", |user| {
                user.is_verified = true;
                user.is_archived = true;
            })
            .await;
            site.add_user("ALBERT", |_| {}).await;
            site.add_user("carol", |user| {
                user.is_verified = true;
                user.is_active = false;
            })
            .await;
            // No name that could be registered, at the library neither.
            site.add_user("alpy", |user| {
                user.is_verified = true;
                user.username.replace_range(2..3, "%");
                user.username_key.replace_range(2..3, "%");
            })
            .await;
        }
        "many" => {
            for n in 0..130 {
                site.add_user(&format!("u{n:03}"), |_| {}).await;
            }
        }
        none => assert_eq!(none, "none"),
    }
}

/// Filters that the library compares to the letter, and Latchkey as at log-in, with the user that Latchkey finds.
const BY_CASE: [(&str, &str); 5] = [
    ("email:\"ALICE@example.com\"", "alice"),
    ("email:\"alice2@EXAMPLE.com\"", "Alice2"),
    ("username:\"ALICE\"", "alice"),
    ("username:\"alice2\"", "Alice2"),
    ("status_SecondaryEmail:\"second@example.com\"", "Alice2"),
];

struct Replay {
    site: Site,
    which: String,
}

impl Replay {
    async fn step(&self, step: &Value) {
        let arguments = step["arguments"].as_str().unwrap();
        if let Some((_, found)) = BY_CASE.iter().find(|(case, _)| *case == arguments) {
            assert_eq!(step["answer"]["rows"], json!([]));
            assert_eq!(names(&self.site, None, arguments).await, [*found], "{step}");
            return;
        }
        let places = self.places(arguments).await;
        let fill = |text: &str| {
            let cursors = places.iter().enumerate();
            cursors.fold(text.to_owned(), |text, (n, cursor)| {
                text.replace(&format!("{{{{{n}}}}}"), cursor)
            })
        };
        let declared = step["declared"].as_str().unwrap();
        let given = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let document = fill(&format!("{declared}{{users{given}{PAGE}}}"));
        let variables = serde_json::from_str(&fill(&step["variables"].to_string())).unwrap();
        let answer = self.site.graphql(&document, variables).await;
        let json = answer.json();
        match &step["answer"] {
            Value::Number(status) => {
                assert_eq!(Some(answer.status.as_u16().into()), status.as_u64(), "{step}");
            }
            Value::Null => {
                assert_eq!(json["data"], json!({ "users": null }), "{step}");
                assert_eq!(answer.code().as_deref(), Some("invalid_page"), "{step}");
            }
            page @ (Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::String(_)) => {
                let users = &json["data"]["users"];
                let place = |cursor: &Value| {
                    let place = cursor
                        .as_str()
                        .map(|cursor| places.iter().position(|place| place == cursor).unwrap());
                    json!(place)
                };
                let edges = users["edges"].as_array().unwrap_or_else(|| panic!("{step} {json}"));
                let rows: Vec<Value> = edges
                    .iter()
                    .map(|edge| json!([place(&edge["cursor"]), edge["node"]["username"]]))
                    .collect();
                let info = &users["pageInfo"];
                let ours = json!({
                    "next": info["hasNextPage"],
                    "previous": info["hasPreviousPage"],
                    "start": place(&info["startCursor"]),
                    "end": place(&info["endCursor"]),
                    "rows": rows,
                });
                assert_eq!(ours, *page, "{step}");
            }
        }
    }

    /// Our cursors of all users who pass the filters among those arguments, in the library's order.
    async fn places(&self, arguments: &str) -> Vec<String> {
        let paging = ["first:", "last:", "after:", "before:", "offset:"];
        let is_filter = |argument: &&str| {
            !paging.iter().any(|paging| argument.starts_with(paging)) && !argument.contains('$')
        };
        let filters: Vec<&str> = arguments.split(',').filter(is_filter).collect();
        let (mut places, mut after) = (Vec::new(), String::new());
        loop {
            let arguments = [filters.join(","), after].join(" ");
            let answer = users(&self.site, None, arguments.trim()).await.json();
            let users = &answer["data"]["users"];
            let edges = users["edges"].as_array().cloned().unwrap_or_default();
            places.extend(edges.iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()));
            if users["pageInfo"]["hasNextPage"] != true {
                return places;
            }
            after = format!("after: {}", users["pageInfo"]["endCursor"]);
        }
    }
}

#[tokio::test]
async fn pages_and_filters_are_those_of_the_library() {
    let mut replay: Option<Replay> = None;
    let mut replayed = 0;
    for line in RECORDED.lines() {
        let step: Value = serde_json::from_str(line).unwrap();
        let which = step["users"].as_str().unwrap();
        if replay.as_ref().is_none_or(|replay| replay.which != which) {
            let site = Site::with(&[("USERS_QUERY", "public")]).await;
            recorded_users(&site, which).await;
            replay = Some(Replay { site, which: which.to_owned() });
        }
        replay.as_ref().unwrap().step(&step).await;
        replayed += 1;
    }
    assert_eq!(replayed, 287);
}

#[tokio::test]
async fn others_than_staff_see_only_themselves() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let bob = site.add_user("bob", |_| {}).await;

    assert_eq!(names(&site, Some(&ann), "").await, ["ann"]);
    assert_eq!(names(&site, Some(&ann), "username: \"bob\"").await, [""; 0]);
    assert_eq!(names(&site, Some(&ann), "status_Verified: false").await, [""; 0]);
    assert_eq!(names(&site, Some(&ann), "username: \"ann\", last: 1").await, ["ann"]);
    let answer = found(&site, Some(&ann), &json!(bob.id)).await.json();
    assert_eq!(answer, json!({ "data": { "user": null } }));
}

#[tokio::test]
async fn an_anonymous_caller_sees_no_user() {
    let site = Site::start().await;
    let bob = site.add_user("bob", |_| {}).await;

    assert_eq!(names(&site, None, "").await, [""; 0]);
    let answer = found(&site, None, &json!(bob.id)).await;
    assert_eq!(answer.code().as_deref(), Some("unauthenticated"));
    assert_eq!(answer.json()["data"], json!({ "user": null }));
}

#[tokio::test]
async fn staff_see_all() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let bob = site.add_user("bob", |_| {}).await;
    site.store.set_role(ann.user_id(), Role::Staff).await.unwrap();
    let ann = site.log_in(&ann).await;

    assert_eq!(names(&site, Some(&ann), "").await, ["ann", "bob"]);
    let answer = found(&site, Some(&ann), &json!(bob.id)).await.json();
    assert_eq!(answer["data"]["user"]["username"], "bob");
}

#[tokio::test]
async fn staff_who_have_not_proven_their_address_see_only_themselves() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    let ann = site.sign_up("ann").await;
    let bob = site.add_user("bob", |_| {}).await;
    site.store.set_role(ann.user_id(), Role::Staff).await.unwrap();
    let ann = site.log_in(&ann).await;

    assert_eq!(names(&site, Some(&ann), "").await, ["ann"]);
    let answer = found(&site, Some(&ann), &json!(bob.id)).await.json();
    assert_eq!(answer, json!({ "data": { "user": null } }));
}

#[tokio::test]
async fn a_logged_in_user_sees_all_users_where_the_site_allows_it() {
    let site = Site::with(&[("USERS_QUERY", "authenticated")]).await;
    let ann = site.signed_in("ann").await;
    site.add_user("bob", |_| {}).await;

    assert_eq!(names(&site, Some(&ann), "").await, ["ann", "bob"]);
    assert_eq!(names(&site, None, "").await, [""; 0]);
}

#[tokio::test]
async fn a_logged_out_user_sees_no_user() {
    let site = Site::with(&[("USERS_QUERY", "authenticated")]).await;
    let ann = site.signed_in("ann").await;
    site.log_out(&ann).await;

    assert_eq!(names(&site, Some(&ann), "").await, [""; 0]);
}

#[tokio::test]
async fn a_user_is_found_by_any_form_of_the_id() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let ann = site.add_user("ann", |_| {}).await;
    let listed = site.graphql("{users{edges{node{id pk}}}}", Value::Null).await.json();
    let node = listed["data"]["users"]["edges"][0]["node"].clone();

    assert_eq!(node["pk"], ann.id.to_string());
    for id in [
        node["id"].clone(),
        node["pk"].clone(),
        json!(format!(" {} ", node["id"].as_str().unwrap())),
    ] {
        let answer = found(&site, None, &id).await.json();
        assert_eq!(answer["data"]["user"]["username"], "ann", "{id}");
        assert_eq!(answer["data"]["user"]["id"], node["id"]);
    }
}

#[tokio::test]
async fn an_unknown_id_finds_no_user() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let ids = [
        json!(""),
        json!("rubbish"),
        json!(1),
        json!("VXNlck5vZGU6MQ=="),
        json!("UmVmcmVzaFRva2VuTm9kZTox"),
        json!("01a00000-0000-7000-8000-000000000000"),
    ];
    for id in ids {
        let answer = found(&site, None, &id).await.json();
        assert_eq!(answer, json!({ "data": { "user": null } }), "{id}");
    }
}

#[tokio::test]
async fn a_user_is_a_node() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let ann = site.add_user("ann", |_| {}).await;
    let document = "query($id: ID!) { user(id: $id) { __typename ... on Node { id } ...N } }
        fragment N on Node { __typename }";
    let answer = site.graphql(document, json!({ "id": ann.id })).await.json();
    assert_eq!(answer["data"]["user"]["__typename"], "UserNode");
    assert!(answer["data"]["user"]["id"].is_string());
}

#[tokio::test]
async fn a_second_address_does_not_pass_for_a_first_one() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    recorded_users(&site, "seven").await;
    assert_eq!(names(&site, None, "email: \"Second@example.com\"").await, [""; 0]);
    let second = "status_SecondaryEmail: \"alice@example.com\"";
    assert_eq!(names(&site, None, second).await, [""; 0]);
}

#[tokio::test]
async fn a_user_who_is_deleted_is_in_no_list() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let users = site.add_users("u", 5, |_, _| {}).await;
    assert!(site.store.end_user(&users[2], None, &[]).await.unwrap());
    assert_eq!(names(&site, None, "").await, ["u0000", "u0001", "u0003", "u0004"]);
    assert_eq!(names(&site, None, "username: \"u0002\"").await, [""; 0]);
}

#[tokio::test]
async fn a_cursor_leads_on_when_its_user_is_gone() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let added = site.add_users("u", 5, |_, _| {}).await;
    let page = users(&site, None, "first: 2").await.json();
    assert!(site.store.end_user(&added[1], None, &[]).await.unwrap());
    let after = format!("after: {}", page["data"]["users"]["pageInfo"]["endCursor"]);
    assert_eq!(names(&site, None, &after).await, ["u0002", "u0003", "u0004"]);
}

#[tokio::test]
async fn a_cursor_with_a_letter_changed_is_none() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    site.add_users("u", 3, |_, _| {}).await;
    let page = users(&site, None, "first: 2").await.json();
    let cursor = page["data"]["users"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    assert_eq!(names(&site, None, &format!("after: \"{cursor}\"")).await, ["u0002"]);
    let other = if cursor.starts_with('B') { "C" } else { "B" };
    let changed = format!("after: \"{other}{}\"", &cursor[1..]);
    assert_eq!(names(&site, None, &changed).await, ["u0000", "u0001", "u0002"]);
}

#[tokio::test]
async fn a_name_that_starts_so_is_found_in_any_case_and_script() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    for name in ["Jörg", "jÖrgen", "joerg", "ЖЕНЯ", "ßtraße"] {
        site.add_user(name, |_| {}).await;
    }
    assert_eq!(names(&site, None, "username_Istartswith: \"JÖRG\"").await, ["Jörg", "jÖrgen"]);
    assert_eq!(names(&site, None, "username_Istartswith: \"жен\"").await, ["ЖЕНЯ"]);
    assert_eq!(names(&site, None, "username_Icontains: \"STRASS\"").await, ["ßtraße"]);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_empty_list() {
    use embedded::{Fault, Times};
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    site.add_user("ann", |_| {}).await;
    site.aws.faults().fail("Query", Times::Always, Fault::Rejected);
    let answer = users(&site, None, "").await;
    assert_eq!(answer.code().as_deref(), Some("unavailable"));
    assert_eq!(answer.json()["data"], json!({ "users": null }));
}

#[tokio::test]
async fn a_document_holds_five_walks_through_the_users_and_a_hundred_fields_of_each() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let walks = |count: usize| {
        let fields = (0..count).map(|n| format!("a{n}: users {{ edges {{ cursor }} }} "));
        format!("{{ {} }}", fields.collect::<String>())
    };
    let wide = |count: usize| {
        let fields = (0..count).map(|n| format!("a{n}: id "));
        format!("{{ users {{ edges {{ node {{ {} }} }} }} }}", fields.collect::<String>())
    };
    for (document, is_refused) in
        [(walks(5), false), (walks(6), true), (wide(90), false), (wide(100), true)]
    {
        let answer = site.graphql(&document, Value::Null).await;
        let refused = answer.code().as_deref() == Some("too_complex");
        assert_eq!(refused, is_refused, "{document}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_text_longer_than_any_name_or_address_finds_no_user_and_costs_no_call() {
    let site = Site::with(&[("USERS_QUERY", "public")]).await;
    let longest = "\u{10400}".repeat(150);
    site.add_user(&longest, |_| {}).await;
    let arguments = ["username", "username_Istartswith", "username_Icontains"];
    for argument in arguments {
        let found = names(&site, None, &format!("{argument}: \"{longest}\"")).await;
        assert_eq!(found, [longest.as_str()], "{argument}");
    }
    for long in ["a".repeat(1_021), longest.repeat(2)] {
        let address = format!("{long}@example.com");
        let asked = arguments.map(|argument| (argument, &long));
        for (argument, text) in
            [("email", &address), ("status_SecondaryEmail", &address)].into_iter().chain(asked)
        {
            site.calls.take();
            let found = names(&site, None, &format!("{argument}: \"{text}\"")).await;
            assert_eq!(found, [""; 0], "{argument}");
            assert_eq!(site.calls.take().calls, 0, "{argument}");
        }
    }
}
