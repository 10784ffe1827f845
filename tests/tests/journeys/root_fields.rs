//! How many fields of the root a document may have: most of them read the table.

use axum::http::Method;
use journeys::{Actor, Answer, Calls, Site};
use serde_json::{Value, json};

const PATHS: [&str; 2] = ["/graphql", "/graphql/relay"];

async fn ask(site: &Site, path: &str, actor: &Actor, document: &str) -> Answer {
    let authorization = actor.authorization();
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    site.send(Method::POST, path, &headers, json!({ "query": document }).to_string()).await
}

/// The names of all fields of the root.
async fn names(site: &Site, path: &str, actor: &Actor, root: &str) -> Vec<String> {
    let document = format!("{{ __schema {{ {root} {{ fields {{ name }} }} }} }}");
    let answer = ask(site, path, actor, &document).await.json();
    let fields = answer["data"]["__schema"][root]["fields"].as_array().unwrap().clone();
    fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

/// Documents with so many fields of the root of that name: plain, and as fragments.
fn documents(kind: &str, root: &str, field: &str, count: usize) -> [String; 4] {
    let aliases = |from: usize, to: usize| -> String {
        let fields = (from..to).map(|number| format!("a{number}: {field} {{ __typename }} "));
        fields.collect::<Vec<_>>().concat()
    };
    let (all, first, second) =
        (aliases(0, count), aliases(0, count / 2), aliases(count / 2, count));
    [
        format!("{kind} {{ {all} }}"),
        format!("{kind} {{ ...F }} fragment F on {root} {{ {all} }}"),
        format!("{kind} {{ {first} ... on {root} {{ ... {{ {second} }} }} }}"),
        format!(
            "{kind} {{ {first} ...F }} fragment F on {root} {{ ...G }} fragment G on {root} {{ {second} }}"
        ),
    ]
}

fn assert_too_complex(answer: &Answer, document: &str) {
    let body = answer.json();
    assert_eq!(answer.code().as_deref(), Some("too_complex"), "{document}: {body}");
    assert!(body["data"].is_null(), "{document}: {body}");
}

#[tokio::test]
async fn twenty_one_fields_of_the_root_are_refused_before_the_table_is_read_whatever_their_name() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for path in PATHS {
        for (kind, root, schema) in
            [("query", "Query", "queryType"), ("mutation", "Mutation", "mutationType")]
        {
            let names = names(&site, path, &ann, schema).await;
            assert!(names.len() > 1);
            for field in names {
                for document in documents(kind, root, &field, 21) {
                    site.calls.take();
                    let answer = ask(&site, path, &ann, &document).await;
                    assert_too_complex(&answer, &document);
                    assert_eq!(site.calls.take(), Calls::default(), "{document}");
                }
            }
        }
    }
}

#[tokio::test]
async fn hundreds_of_aliases_of_one_token_check_are_refused_before_the_table_is_read() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let call = format!("verifyToken(token: \"{}\") {{ success }} ", ann.access);
    let document = |count: usize| {
        let fields: Vec<_> = (0..count).map(|number| format!("a{number}: {call}")).collect();
        format!("mutation {{ {} }}", fields.concat())
    };
    // Shorter than the longest body.
    let short = |count: usize| document(count).replace(&ann.access, "x");
    for document in [short(500), document(21), short(21)] {
        site.calls.take();
        let answer = ask(&site, "/graphql", &Actor::default(), &document).await;
        assert_too_complex(&answer, "many aliases");
        assert_eq!(site.calls.take(), Calls::default());
    }
    let answer = ask(&site, "/graphql", &Actor::default(), &document(20)).await.json();
    assert_eq!(answer["data"]["a19"]["success"], true, "{answer}");
    assert!((1..=20).contains(&site.calls.take().calls));
}

#[tokio::test]
async fn twenty_reads_of_the_caller_and_of_lists_read_the_table_a_bounded_number_of_times() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for number in 0..8 {
        site.add_user(&format!("user{number}"), |_| {}).await;
    }
    let fields: Vec<_> = (0..20).map(|number| format!("a{number}: me {{ username }} ")).collect();
    let fields = fields.concat();
    site.calls.take();
    let answer = site.ask(&ann, &format!("{{ {fields} }}"), Value::Null).await.json();
    assert_eq!(answer["data"]["a19"]["username"], "ann", "{answer}");
    assert!(site.calls.take().calls <= 20);
    // The nodes of a list are read with the list: their number does not count.
    let calls = async |first: usize| {
        let list = format!("users(first: {first}) {{ edges {{ node {{ id username }} }} }}");
        site.calls.take();
        site.ask(&ann, &format!("{{ {list} }}"), Value::Null).await;
        site.calls.take().calls
    };
    assert_eq!(calls(1).await, calls(8).await);
}
