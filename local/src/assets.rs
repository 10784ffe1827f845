//! The files of the pages that only `cargo run` has. None of them loads anything from another machine.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file, its type, and whether it is compressed.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    is_compressed: bool,
    bytes: &'static [u8],
}

/// A file of our own.
macro_rules! own {
    ($name:literal, $type:expr) => {
        Asset {
            path: concat!("/_local/", $name),
            content_type: $type,
            is_compressed: false,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }
    };
}

/// A file of a package, as `graphiql/update` has packed it.
macro_rules! packed {
    ($name:literal, $type:expr) => {
        Asset {
            path: concat!("/_local/", $name),
            content_type: $type,
            is_compressed: true,
            bytes: include_bytes!(concat!("../graphiql/", $name, ".gz")),
        }
    };
}

static ASSETS: [Asset; 8] = [
    own!("style.css", CSS),
    own!("mailbox.js", JAVASCRIPT),
    own!("icon.svg", "image/svg+xml"),
    own!("graphiql-start.js", JAVASCRIPT),
    packed!("graphiql.min.css", CSS),
    packed!("graphiql.min.js", JAVASCRIPT),
    packed!("react.production.min.js", JAVASCRIPT),
    packed!("react-dom.production.min.js", JAVASCRIPT),
];

/// The files below `/_local`.
pub(crate) fn router() -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(move || async move { asset.into_response() }))
    })
}

impl IntoResponse for &'static Asset {
    fn into_response(self) -> Response {
        // Another build may have other files.
        let headers = [(CONTENT_TYPE, self.content_type), (CACHE_CONTROL, "no-cache")];
        let mut response = (headers, self.bytes).into_response();
        if self.is_compressed {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, gzip);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use aws_lc_rs::digest::{SHA384, digest};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use flate2::read::GzDecoder;

    use super::*;

    /// The SHA-384 of each bundle, as its package publishes it. Pages write it in the attribute `integrity`.
    const PUBLISHED: [(&str, &str); 4] = [
        (
            "/_local/graphiql.min.css",
            "QMux00XgRtwRLSYIY3kw2rj1ovk5AuuliAchk+HSQbqdbGFnz9GYuqIlOqxhwCE2",
        ),
        (
            "/_local/graphiql.min.js",
            "8NGfVj4CVlqHajlZj+bPJT4thxPMHMJYn7DWK2CvtopLd02E7qsPHazniBYvVjOO",
        ),
        (
            "/_local/react.production.min.js",
            "DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
        ),
        (
            "/_local/react-dom.production.min.js",
            "gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
        ),
    ];

    #[test]
    fn the_bundles_are_those_that_the_packages_publish() {
        let packed = ASSETS.iter().filter(|asset| asset.is_compressed);
        let found = packed.map(|asset| {
            let mut bundle = Vec::new();
            GzDecoder::new(asset.bytes).read_to_end(&mut bundle).unwrap();
            (asset.path, STANDARD.encode(digest(&SHA384, &bundle)))
        });
        let published = PUBLISHED.map(|(path, hash)| (path, hash.to_owned()));
        assert_eq!(found.collect::<Vec<_>>(), published);
    }
}
