//! The media type that a client prefers (RFC 9110, 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::header_text;

/// Whether the client names the media type `wanted`, and prefers it to `other`, or accepts both alike.
pub(crate) fn prefers(headers: &HeaderMap, wanted: &str, other: &str) -> bool {
    let lines: Vec<_> = header_text::all(headers, ACCEPT).collect();
    let ranges: Vec<_> =
        lines.iter().flat_map(|line| line.split(',')).filter_map(weighed).collect();
    let named = |name: &str| {
        ranges.iter().find(|(range, _)| range.eq_ignore_ascii_case(name)).map(|(_, weight)| *weight)
    };
    let group = other.split_once('/').map(|(group, _)| format!("{group}/*")).unwrap_or_default();
    let other = named(other).or_else(|| named(&group)).or_else(|| named("*/*")).unwrap_or(0.0);
    named(wanted).is_some_and(|weight| weight > 0.0 && weight >= other)
}

/// A range with its weight, without its other parameters; `None` if the weight is not a number from 0 to 1.
fn weighed(range: &str) -> Option<(&str, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    let weight = parts.find_map(|part| {
        part.split_once('=').filter(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
    });
    let weight = weight.map_or(Some(1.0), |(_, weight)| weight.trim().parse().ok())?;
    (0.0..=1.0).contains(&weight).then_some((name, weight))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const NEW: &str = "application/graphql-response+json";
    const OLD: &str = "application/json";

    fn prefers_new(lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        prefers(&headers, NEW, OLD)
    }

    #[test]
    fn what_is_named_and_liked_no_less_is_preferred() {
        for accept in [
            NEW,
            "Application/GraphQL-Response+JSON",
            "application/graphql-response+json; charset=utf-8",
            "application/graphql-response+json,application/json;q=0.9",
            "application/json, application/graphql-response+json",
            "application/graphql-response+json;q=0.5, */*;q=0.1",
            "application/graphql-response+json; q=0.2 ,text/html",
            "x/é, application/graphql-response+json",
            "application/json;q=0, application/graphql-response+json;q=0.001, */*",
        ] {
            assert!(prefers_new(&[accept]), "{accept}");
        }
        assert!(prefers_new(&["text/html", NEW]));
    }

    #[test]
    fn what_is_not_named_or_liked_less_is_not() {
        for accept in [
            "",
            "*/*",
            "application/*",
            OLD,
            "text/html",
            "application/json, application/graphql-response+json;q=0.9",
            "application/graphql-response+json;q=0",
            "application/graphql-response+json;q=0.5, application/*",
            "application/graphql-response+json;q=0.5, */*",
            "application/graphql-response+json;q=2",
            "application/graphql-response+json;q=x",
        ] {
            assert!(!prefers_new(&[accept]), "{accept}");
        }
        assert!(!prefers_new(&[]));
    }
}
