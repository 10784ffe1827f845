//! The host names for which a server on this machine answers.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// The host names that requests may have. An attacker can make the DNS name of a page lead to this machine (DNS
/// rebinding). Then the browser lets this page read the answers. But the request still has the attacker's name as its
/// host.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Option<Arc<[String]>>);

impl Hosts {
    /// Allows every name, for a server that other machines may reach.
    pub fn any() -> Self {
        Self(None)
    }

    /// Allows the names of this machine, and the given names.
    pub fn of_this_machine(others: impl IntoIterator<Item = String>) -> Self {
        Self(Some(others.into_iter().map(|name| name.to_lowercase()).collect()))
    }

    /// Whether the server may answer a request with this head. The port does not matter. A request without a host, or
    /// with several hosts, gets no answer.
    pub fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(others) = &self.0 else { return true };
        let mut named = headers.get_all(HOST).iter();
        let (Some(host), None) = (named.next(), named.next()) else { return false };
        let Some(host) = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()) else {
            return false;
        };
        is_here(host.host(), others) && uri.host().is_none_or(|host| is_here(host, others))
    }
}

fn is_here(host: &str, others: &[String]) -> bool {
    let host = host.to_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // No attacker can register a name below `localhost`, where S3's clients look for a bucket, or `internal`, which
    // is how a container finds this machine.
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "host.docker.internal"
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || others.contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn allows(hosts: &Hosts, uri: &'static str, named: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in named {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        hosts.allow(&Uri::from_static(uri), &headers)
    }

    #[test]
    fn a_request_for_another_name_than_this_machines_is_not_answered() {
        let hosts = Hosts::of_this_machine(["accounts.example".to_owned()]);
        for here in [
            "localhost",
            "LocalHost:1",
            "127.0.0.1:4566",
            "[::1]:3000",
            "bucket.localhost:4566",
            "host.docker.internal:3000",
            "Accounts.Example",
        ] {
            assert!(allows(&hosts, "/", &[here]), "{here}");
            assert!(!allows(&hosts, "http://evil.example/", &[here]), "{here}");
        }
        for elsewhere in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:3000",
            "notlocalhost",
            "192.0.2.1",
            "",
        ] {
            assert!(!allows(&hosts, "/", &[elsewhere]), "{elsewhere}");
            assert!(allows(&Hosts::any(), "/", &[elsewhere]), "{elsewhere}");
        }
        assert!(!allows(&hosts, "/", &[]));
        assert!(!allows(&hosts, "/", &["localhost", "evil.example"]));
    }
}
