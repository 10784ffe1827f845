//! The origins whose pages may call the API from a browser. One list decides two things: which pages may read an
//! answer (CORS), and which pages may send a request that only a cookie authenticates.

use std::sync::Arc;
use std::time::Duration;

use accounts::config::{ConfigError, Settings};
use axum::http::header::{ACCESS_CONTROL_ALLOW_METHODS, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::FrontSettings;
use crate::device::DEVICE;
use crate::requests::REQUEST_ID;

/// How long a browser may keep the answer to a preflight request. Chromium allows no more than two hours.
const MAX_AGE: Duration = Duration::from_hours(2);

/// The origins whose pages may call the API.
#[derive(Clone, Debug)]
pub struct Origins {
    exact: Vec<String>,
    any_of_this_machine: bool,
}

impl Origins {
    /// The origins that the settings name, and no others.
    ///
    /// # Errors
    /// For a malformed setting.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self { exact: settings.origins()?, any_of_this_machine: false })
    }

    /// The same; and every origin of this machine, unless `CORS_ORIGINS` is set. For `local`.
    ///
    /// # Errors
    /// For a malformed setting.
    pub fn for_this_machine(settings: &Settings) -> Result<Self, ConfigError> {
        let any_of_this_machine = settings.given("CORS_ORIGINS").is_none();
        Ok(Self { any_of_this_machine, ..Self::new(settings)? })
    }

    /// Whether that value of the header `Origin` is one of them.
    pub(crate) fn contains(&self, origin: &str) -> bool {
        self.exact.iter().any(|exact| exact == origin)
            || self.any_of_this_machine && is_of_this_machine(origin)
    }
}

fn is_of_this_machine(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let port = ["localhost", "127.0.0.1", "[::1]"].iter().find_map(|host| rest?.strip_prefix(host));
    port.is_some_and(|port| {
        let digits = port.strip_prefix(':').unwrap_or(port);
        port.is_empty() || (digits.len() < port.len() && digits.parse::<u16>().is_ok())
    })
}

/// Answers preflight requests of browsers, and names the origin that may read an answer.
///
/// Pages of these origins may send any header: clients and monitoring tools add headers of their own.
pub(crate) fn cors(settings: Arc<FrontSettings>) -> CorsLayer {
    let with_cookies = settings.cookies.is_some();
    let is_known = AllowOrigin::predicate(move |origin, _| {
        origin.to_str().is_ok_and(|origin| settings.origins.contains(origin))
    });
    CorsLayer::new()
        .allow_origin(is_known)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(with_cookies)
        .expose_headers([REQUEST_ID, RETRY_AFTER, DEVICE])
        .max_age(MAX_AGE)
}

/// The answer to a preflight has no body: 204, not the 200 of the layer.
pub(crate) fn without_content(mut response: Response) -> Response {
    if response.headers().contains_key(ACCESS_CONTROL_ALLOW_METHODS) {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_port_of_this_machine_is_of_it_and_nothing_that_only_looks_so() {
        for origin in [
            "http://localhost:5173",
            "http://localhost",
            "https://localhost:8443",
            "http://127.0.0.1:3000",
            "http://[::1]:8080",
        ] {
            assert!(is_of_this_machine(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://localhost.evil.example",
            "http://localhost:",
            "http://localhost:80.evil.example",
            "http://localhost:99999",
            "http://localhost5173",
            "http://evil.example:5173",
            "http://evil.example/http://localhost",
            "ftp://localhost",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(!is_of_this_machine(origin), "{origin}");
        }
    }
}
