//! What holds of documents, bodies and headers, whatever a stranger sends.

use std::collections::HashMap;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::caller::behind_proxies;
use crate::multipart;
use crate::properties::{check, holds, holds_for_text};
use crate::request_fields::RequestFields;
use crate::{document, root_fields};

/// A document with all its fragments spread: another count than that of the check.
#[derive(Debug, Default)]
struct Spread {
    fields: usize,
    depth: usize,
    root_fields: usize,
    directives: usize,
}

impl Spread {
    fn count(&mut self, set: &SelectionSet, of: &ExecutableDocument, depth: usize) {
        // The check has accepted the document, so that is a failure of the check.
        assert!(self.fields <= 1_000, "a document with too many fields is accepted");
        for selection in &set.items {
            self.directives += selection.node.directives().len();
            match &selection.node {
                Selection::Field(field) => {
                    self.fields += 1;
                    self.depth = self.depth.max(depth + 1);
                    let is_of_root = depth == 0 && !field.node.name.node.starts_with("__");
                    self.root_fields += usize::from(is_of_root);
                    self.count(&field.node.selection_set.node, of, depth + 1);
                }
                Selection::InlineFragment(inline) => {
                    self.count(&inline.node.selection_set.node, of, depth);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = of.fragments.get(&spread.node.fragment_name.node) {
                        self.count(&fragment.node.selection_set.node, of, depth);
                    }
                }
            }
        }
    }
}

/// Asserts that a document is refused, or asks for no more than the limits say.
fn assert_limited(text: &str) {
    if document::check_length(text).is_err() {
        return;
    }
    let Ok(mut document) = parse_query(text) else { return };
    if document::check(&document, true).is_err() {
        return;
    }
    let mut all = Spread::default();
    for (_, operation) in document.operations.iter() {
        let mut spread = Spread::default();
        spread.count(&operation.node.selection_set.node, &document, 0);
        assert!(spread.root_fields <= 20, "{spread:?}");
        all.fields += spread.fields;
        all.directives += spread.directives;
        all.depth = all.depth.max(spread.depth);
    }
    assert!(all.fields <= 1_000 && all.depth <= 20 && all.directives <= 100, "{all:?}");
    // Fields with the same key are merged in bounded time, and a second merge changes nothing.
    root_fields::merge(&mut document, None);
    let once = format!("{:?}", document.operations);
    root_fields::merge(&mut document, None);
    assert_eq!(format!("{:?}", document.operations), once);
}

#[test]
fn a_text_that_is_accepted_as_a_document_is_within_the_limits() {
    holds_for_text("document", 1_000, assert_limited);
}

/// Selections with some names, aliases, directives and spreads of the fragments `A` to `D`.
fn selections() -> impl Strategy<Value = String> {
    let name =
        || select(vec!["a", "users", "verifyToken", "me", "__typename", "edges", "tokenAuth"]);
    let directive = || select(vec!["", "", "", "@include(if: true)", "@a @b"]);
    let leaf = prop_oneof![
        3 => (name(), directive()).prop_map(|(name, directive)| format!("{name} {directive}")),
        1 => (0..30_u8, name()).prop_map(|(number, name)| format!("x{number}: {name}")),
        1 => (select(vec!["A", "B", "C", "D"]), directive())
            .prop_map(|(fragment, directive)| format!("...{fragment} {directive}")),
    ];
    leaf.prop_recursive(24, 200, 24, move |inner| {
        let inside = || vec(inner.clone(), 1..24).prop_map(|inside| inside.join(" "));
        prop_oneof![
            3 => (name(), inside()).prop_map(|(name, inside)| format!("{name} {{ {inside} }}")),
            1 => inside().prop_map(|inside| format!("... {{ {inside} }}")),
            1 => inside(),
        ]
    })
}

#[test]
fn a_document_with_fragments_that_is_accepted_is_within_the_limits() {
    let parts = (selections(), vec(selections(), 4..5), select(vec!["query", "mutation"]));
    check(250, &parts, |(root, fragments, kind)| {
        let fragments = ["A", "B", "C", "D"].iter().zip(fragments);
        let fragments: Vec<_> = fragments
            .map(|(name, inside)| format!("fragment {name} on Q {{ {inside} }}"))
            .collect();
        assert_limited(&format!("{kind} {{ {root} }} {}", fragments.join(" ")));
    });
}

/// On a thread with a small stack: an overflow would end the process.
#[test]
fn a_megabyte_of_brackets_is_read_without_a_stack_overflow() {
    let read = |text: String| {
        assert_limited(&text);
        let _ = RequestFields::json(text.as_bytes());
        let _ = RequestFields::form(text.as_bytes());
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        for open in
            ["{a", "[", "{", "{...", "{a(b:", "{\"a\":", "(", "{a @b", "query($a:[", "{...on A"]
        {
            read(open.repeat(1_000_000 / open.len()));
            for close in ["}", "]", ")"] {
                read(format!("{}{}", open.repeat(2_000), close.repeat(2_000)));
                read(format!("{{a(b:{}1{})}}", open.repeat(4_000), close.repeat(4_000)));
                read(format!("{{\"variables\":{}1{}}}", open.repeat(9_000), close.repeat(9_000)));
            }
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn what_is_no_json_object_and_no_form_is_refused_and_never_fails() {
    holds("json", 1_000, |body| {
        if let Ok(asked) = RequestFields::json(body) {
            let _ = asked.request();
        }
    });
    holds("form", 1_000, |body| {
        if let Ok(asked) = RequestFields::form(body) {
            let _ = asked.request();
        }
    });
}

#[test]
fn a_request_is_read_as_it_was_written_by_json_and_by_a_form() {
    check(500, &(any::<String>(), any::<String>()), |(query, text)| {
        let variables = serde_json::json!({ "a": text });
        let body = serde_json::json!({ "query": query, "variables": variables }).to_string();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", &query)
            .append_pair("variables", &variables.to_string())
            .finish();
        for asked in [RequestFields::json(body.as_bytes()), RequestFields::form(form.as_bytes())] {
            let Ok(request) = asked.ok().unwrap().request() else {
                assert!(query.is_empty());
                continue;
            };
            assert_eq!(request.query, query);
            assert_eq!(serde_json::to_value(&request.variables).unwrap(), variables);
        }
    });
}

fn multipart_of(body: Vec<u8>) -> Option<async_graphql::Request> {
    let url = RequestFields::fields(std::iter::empty()).ok().unwrap();
    let content_type = "multipart/form-data; boundary=b";
    let parsed = multipart::parse(url, content_type, Bytes::from(body));
    futures::executor::block_on(parsed).ok()
}

#[test]
fn a_multipart_body_that_is_accepted_has_no_more_files_than_places() {
    holds("multipart", 1_000, |body| {
        let Some(request) = multipart_of(body.to_vec()) else { return };
        let total: usize = request.uploads.iter().map(|file| file.content.len()).sum();
        assert!(total <= body.len() * request.uploads.len().max(1));
        if let Ok(document) = parse_query(&request.query) {
            let _ = multipart::check(&request, &document);
        }
    });
}

#[test]
fn a_file_is_read_as_it_was_uploaded() {
    check(300, &vec(any::<u8>(), 0..300), |file| {
        // The boundary itself would end the file.
        if file.windows(3).any(|part| part == b"--b") {
            return;
        }
        let part =
            |head: &str| format!("--b\r\nContent-Disposition: form-data; name={head}\r\n\r\n");
        let operations = r#"{"query": "{ a }", "variables": {"f": null}}"#;
        let mut body = part("\"operations\"") + operations + "\r\n";
        body += &(part("\"map\"") + r#"{"0": ["variables.f"]}"# + "\r\n");
        body += &part("\"0\"; filename=\"a.png\"");
        let body = [body.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
        let request = multipart_of(body).unwrap();
        assert_eq!(request.uploads.len(), 1);
        assert_eq!(request.uploads[0].content, file);
    });
}

fn forwarded(line: &[u8], proxies: usize) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_bytes(line).ok()?);
    behind_proxies(Some("10.0.0.9".to_owned()), &headers, proxies)
}

#[test]
fn the_address_behind_proxies_is_one_and_does_not_depend_on_what_a_client_forges() {
    holds("forwarded-for", 1_000, |forged| {
        for proxies in 0..3 {
            let Some(address) = forwarded(forged, proxies) else { continue };
            assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
            // What the proxies themselves have added.
            let hops = ["198.51.100.7", "10.0.0.1", "10.0.0.2"];
            let added = hops[..proxies.max(1)].join(", ");
            let honest = forwarded(added.as_bytes(), proxies);
            let line = [forged, b", ", added.as_bytes()].concat();
            assert_eq!(forwarded(&line, proxies), honest);
            assert!(proxies == 0 || honest.as_deref() == Some("198.51.100.7"));
        }
    });
}

#[test]
fn a_document_without_twins_is_not_changed_by_the_merge() {
    let names: HashMap<usize, &str> = [(0, "a"), (1, "b"), (2, "c")].into();
    check(50, &vec(0..3_usize, 1..8), |fields| {
        let fields: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(at, field)| format!("x{at}: {}", names[field]))
            .collect();
        let mut document = parse_query(format!("{{ {} }}", fields.join(" "))).unwrap();
        let before = format!("{:?}", document.operations);
        root_fields::merge(&mut document, None);
        assert_eq!(format!("{:?}", document.operations), before);
    });
}
