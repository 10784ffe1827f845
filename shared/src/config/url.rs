//! URLs and origins that the deployer writes, in the form in which browsers send them.

use std::fmt;

use url::Url;

/// The address of a site: `http` or `https`, a host, and perhaps a port and a path.
///
/// It has the form that browsers give it (WHATWG URL): the host in lower case and in punycode, without the port that
/// the scheme implies. A header of a browser would never equal another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl(Url);

/// The problem of a URL, as the end of a sentence that begins with the setting's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL of a site.
    #[error("must be a URL such as https://accounts.example.com")]
    Malformed,
    /// It has parts that the address of a site has no use for.
    #[error("must be a URL without a user name, a query or a fragment")]
    Extra,
    /// No browser sends this host, or it means several hosts.
    #[error("must be a URL with one whole domain, without a * and without a dot at its end")]
    Host,
    /// An origin ends with its host and port.
    #[error("must be an origin such as https://app.example.com, without a path")]
    Path,
}

impl WebUrl {
    /// Reads a URL: the host takes its form in the DNS, and slashes at the end are dropped.
    ///
    /// # Errors
    /// The problem of the URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Malformed)?;
        let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if !is_web || rest.starts_with('/') || text.contains(is_odd) {
            return Err(UrlError::Malformed);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') || rest.contains(['?', '#']) {
            return Err(UrlError::Extra);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        if !url.host_str().is_some_and(is_host) {
            return Err(UrlError::Host);
        }
        Ok(Self(url))
    }

    /// Reads an origin: a URL without a path.
    ///
    /// # Errors
    /// The problem of the URL.
    pub fn parse_origin(text: &str) -> Result<Self, UrlError> {
        let url = Self::parse(text)?;
        if url.path().is_empty() { Ok(url) } else { Err(UrlError::Path) }
    }

    /// Scheme, host and port, as a browser names them in the header `Origin`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether its scheme is HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, in punycode.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The part behind the host and port: empty, or a path without a slash at its end.
    pub fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

/// The address to which a page redirects the browser, because a link to the page names it. Its origin is one that the
/// site trusts: otherwise a link to the site would lead to a page of an attacker (an open redirect, CWE-601).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(Url);

impl ReturnUrl {
    /// The maximum length, in bytes. URLs of applications are shorter.
    const MAX: usize = 2000;

    /// Reads an address. `None` unless it is an absolute URL that a browser reads in the same way, without a user name,
    /// and its origin is trusted as a whole: scheme, host and port.
    pub fn parse(text: &str, is_trusted: impl Fn(&str) -> bool) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if !is_web || rest.starts_with('/') || text.len() > Self::MAX || text.contains(is_odd) {
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let url = Url::parse(text).ok().filter(|_| !authority.contains('@'))?;
        let is_host = url.host_str().is_some_and(is_host);
        (is_host && is_trusted(&url.origin().ascii_serialization())).then_some(Self(url))
    }

    /// Scheme, host and port, as a browser names them in the header `Origin`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Without a slash at its end.
impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// The parser of URLs is as lenient as a browser: it drops line breaks and takes `\` for `/`.
fn is_odd(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"<>\\".contains(c)
}

fn is_host(host: &str) -> bool {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_address = host.starts_with('[');
    is_address || (host.chars().all(is_of_a_name) && host.split('.').all(|label| !label.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, UrlError> {
        WebUrl::parse(text).map(|url| url.to_string())
    }

    #[test]
    fn a_url_has_the_form_in_which_browsers_send_it() {
        for (typed, form) in [
            ("https://müller.example", "https://xn--mller-kva.example"),
            ("https://BÜCHER.Example/", "https://xn--bcher-kva.example"),
            ("HTTPS://App.Example.com:443", "https://app.example.com"),
            ("http://localhost:80//", "http://localhost"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://example.com/Auth/", "https://example.com/Auth"),
            ("https://example.com/a/../b", "https://example.com/b"),
            ("https://example.com/@team", "https://example.com/@team"),
            ("https://ｅｘａｍｐｌｅ。com", "https://example.com"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://my_service:3000", "http://my_service:3000"),
        ] {
            assert_eq!(read(typed).as_deref(), Ok(form), "{typed}");
            assert_eq!(read(form).as_deref(), Ok(form), "{form}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_site_is_refused() {
        for (text, error) in [
            ("", UrlError::Malformed),
            ("example.com", UrlError::Malformed),
            ("ftp://example.com", UrlError::Malformed),
            ("javascript://example.com", UrlError::Malformed),
            ("https://", UrlError::Malformed),
            ("https:///example.com", UrlError::Malformed),
            ("https://example.com:port", UrlError::Malformed),
            ("https://example.com:70000", UrlError::Malformed),
            ("https://a b.example", UrlError::Malformed),
            ("https://a\n.example", UrlError::Malformed),
            ("https://a.example\\b", UrlError::Malformed),
            ("https://a.example/\">", UrlError::Malformed),
            ("https://xn--a.example", UrlError::Malformed),
            ("https://ann@example.com", UrlError::Extra),
            ("https://:@example.com", UrlError::Extra),
            ("https://example.com?", UrlError::Extra),
            ("https://example.com/#/app", UrlError::Extra),
            ("https://*.example.com", UrlError::Host),
            ("https://example.com.", UrlError::Host),
            ("https://a..example", UrlError::Host),
            ("https://.example", UrlError::Host),
        ] {
            assert_eq!(read(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        let origin = |text| WebUrl::parse_origin(text).map(|url| url.origin());
        assert_eq!(
            origin("https://Müller.example:443/"),
            Ok("https://xn--mller-kva.example".into())
        );
        assert_eq!(origin("http://localhost:5173"), Ok("http://localhost:5173".into()));
        assert_eq!(origin("https://example.com/app"), Err(UrlError::Path));
        assert_eq!(origin("*"), Err(UrlError::Malformed));
        assert_eq!(origin("null"), Err(UrlError::Malformed));
    }

    #[test]
    fn a_url_with_a_path_has_an_origin_and_a_path() {
        let url = WebUrl::parse("https://Example.com:8443/auth/").unwrap();
        assert_eq!((url.origin().as_str(), url.path()), ("https://example.com:8443", "/auth"));
        assert_eq!(WebUrl::parse("https://example.com").unwrap().path(), "");
    }

    #[test]
    fn a_browser_is_sent_on_to_a_whole_origin_that_is_trusted_only() {
        let trusted =
            ["https://app.example.com", "http://localhost:5173", "https://xn--a-0ia.example"];
        let read = |text: &str| {
            let url = ReturnUrl::parse(text, |origin| trusted.contains(&origin));
            url.map(|url| (url.to_string(), url.origin()))
        };
        for (typed, form) in [
            ("https://app.example.com", "https://app.example.com/"),
            ("https://APP.example.com:443/a?b=c&d#e", "https://app.example.com/a?b=c&d#e"),
            (
                "http://localhost:5173/@ann?to=http://evil.example",
                "http://localhost:5173/@ann?to=http://evil.example",
            ),
            ("https://app.example.com/a/../b", "https://app.example.com/b"),
        ] {
            assert_eq!(read(typed).map(|(form, _)| form).as_deref(), Some(form), "{typed}");
            assert!(read(typed).is_some_and(|(_, origin)| trusted.contains(&origin.as_str())));
        }
        for text in [
            "",
            "/account",
            "//app.example.com",
            "///app.example.com",
            "app.example.com",
            "https:app.example.com",
            "https:/app.example.com",
            "https:///app.example.com",
            "https:\\\\app.example.com",
            "https://app.example.com\\@evil.example",
            "https://evil.example\\.app.example.com",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "https://evilapp.example.com",
            "https://sub.app.example.com",
            "https://example.com",
            "https://app.example.com.",
            "https://app.example.com:8443",
            "http://app.example.com",
            "http://localhost",
            "http://localhost:51730",
            "https://app.example.com@evil.example",
            "https://app.example.com:x@evil.example/",
            "https://@app.example.com",
            "https://evil.example/https://app.example.com",
            "https://evil.example?https://app.example.com",
            "https://evil.example#app.example.com",
            "javascript:alert(1)",
            "javascript://app.example.com/%0aalert(1)",
            "data:text/html,x",
            "ftp://app.example.com",
            " https://app.example.com",
            "https://app.example.com/\n",
            "https://app.example.com/\r\nset-cookie: a=b",
            "ht\ttps://app.example.com",
            "https://app.exam\u{ad}ple.com/\u{7f}",
            "https://app.example。com.evil.example",
            "https://%61pp.example.com.evil.example",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&format!("https://app.example.com/{}", "a".repeat(2000))), None);
    }
}
