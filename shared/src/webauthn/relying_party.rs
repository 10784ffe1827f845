//! The site as authenticators and browsers know it.

use aws_lc_rs::digest::{SHA256, digest};

use crate::config::WebUrl;

/// The start of the origin of an Android app. The rest is a hash of its certificate.
const ANDROID: &str = "android:apk-key-hash:";

/// The domain that passkeys are bound to, and the origins whose pages may use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origins: Vec<String>,
    related: Vec<String>,
}

/// A relying party that browsers would refuse, or that would accept pages of strangers: the rest of a sentence that
/// begins with the name of a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelyingPartyError {
    /// The RP ID is not a domain in the form in which browsers compare it.
    #[error("must be a domain such as example.com: lower case, without a scheme, a port or a path")]
    Id,
    /// The RP ID is a public suffix, such as `com`.
    #[error("must be a domain with a dot, or localhost")]
    PublicSuffix,
    /// There is no origin.
    #[error("must have an origin")]
    NoOrigin,
    /// An origin is malformed.
    #[error("must be origins such as https://app.example.com: not {0}")]
    Origin(String),
    /// An origin has no TLS.
    #[error("must be origins with https: not {0}")]
    Insecure(String),
    /// The RP ID is not the host of an origin or a suffix of it.
    #[error("must be origins of {id} or of its subdomains: not {origin}")]
    OtherDomain {
        /// The RP ID.
        id: String,
        /// The origin.
        origin: String,
    },
}

impl RelyingParty {
    /// A relying party for the pages of `origins`. An Android app has an origin such as `android:apk-key-hash:…`.
    ///
    /// The RP ID must be the host of each origin, or a suffix of it that begins at a label (§5.1.3 step 8): the host
    /// `evil-example.com` is not in `example.com`. Origins need `https`, except those of `localhost`.
    ///
    /// # Errors
    /// The first problem.
    pub fn parse(id: &str, origins: &[impl AsRef<str>]) -> Result<Self, RelyingPartyError> {
        let url = WebUrl::parse_origin(&format!("https://{id}")).ok();
        let is_domain =
            url.is_some_and(|url| url.host() == id && url.origin() == format!("https://{id}"));
        // An address has no subdomains, and browsers refuse it. A domain never ends with a number.
        let is_address =
            id.rsplit('.').next().is_none_or(|last| last.starts_with(|c: char| c.is_ascii_digit()));
        if !is_domain || is_address || id.starts_with('[') {
            return Err(RelyingPartyError::Id);
        }
        if !id.contains('.') && id != "localhost" {
            return Err(RelyingPartyError::PublicSuffix);
        }
        let origins: Result<Vec<_>, _> =
            origins.iter().map(|origin| allowed(id, origin.as_ref())).collect();
        let origins = origins?;
        if origins.is_empty() {
            return Err(RelyingPartyError::NoOrigin);
        }
        Ok(Self { id: id.to_owned(), origins, related: Vec::new() })
    }

    /// The same, which also accepts pages of other domains (§5.11, related origin requests). A browser allows them only
    /// if `/.well-known/webauthn` of the RP ID lists them. Origins of the domain itself count as its own. Origins without
    /// TLS are left out: no browser asks for them.
    #[must_use]
    pub fn with_related(mut self, origins: &[impl AsRef<str>]) -> Self {
        for origin in origins.iter().map(AsRef::as_ref) {
            match allowed(&self.id, origin) {
                Ok(own) if !self.origins.contains(&own) => self.origins.push(own),
                Err(RelyingPartyError::OtherDomain { .. }) if origin.starts_with("https://") => {
                    if let Ok(url) = WebUrl::parse_origin(origin) {
                        self.related.push(url.origin());
                    }
                }
                Ok(_) | Err(_) => {}
            }
        }
        self.related.sort();
        self.related.dedup();
        self
    }

    /// The origins of other domains: what `/.well-known/webauthn` of the RP ID lists.
    pub fn related(&self) -> &[String] {
        &self.related
    }

    /// The RP ID: a domain.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origins, in the form in which browsers send them.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Whether the authenticator data are for this site (§7.1 step 14).
    pub(super) fn has_hash(&self, hash: &[u8]) -> bool {
        is_hash_of(hash, &self.id)
    }

    /// Whether pages of that origin may use passkeys. Compares the whole text (§13.4.9).
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().chain(&self.related).any(|own| own == origin)
    }
}

/// Whether that is the hash of an RP ID.
pub(super) fn is_hash_of(hash: &[u8], id: &str) -> bool {
    digest(&SHA256, id.as_bytes()).as_ref() == hash
}

fn allowed(id: &str, origin: &str) -> Result<String, RelyingPartyError> {
    let malformed = || RelyingPartyError::Origin(origin.to_owned());
    if let Some(hash) = origin.strip_prefix(ANDROID) {
        let is_hash = super::ids::decode("origin", hash, 32).is_ok_and(|hash| hash.len() == 32);
        return if is_hash { Ok(origin.to_owned()) } else { Err(malformed()) };
    }
    let url = WebUrl::parse_origin(origin).map_err(|_| malformed())?;
    let host = url.host();
    if !is_in(host, id) {
        let origin = origin.to_owned();
        return Err(RelyingPartyError::OtherDomain { id: id.to_owned(), origin });
    }
    if !url.is_https() && !is_in(host, "localhost") {
        return Err(RelyingPartyError::Insecure(origin.to_owned()));
    }
    Ok(url.origin())
}

/// Whether the host is that domain, or a subdomain of it.
fn is_in(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(id: &str, origin: &str) -> Result<Vec<String>, RelyingPartyError> {
        RelyingParty::parse(id, &[origin]).map(|party| party.origins().to_vec())
    }

    #[test]
    fn the_rp_id_is_the_host_of_each_origin_or_a_suffix_of_whole_labels() {
        for (id, origin, form) in [
            ("example.com", "https://example.com", "https://example.com"),
            ("example.com", "https://App.Example.com:443/", "https://app.example.com"),
            ("example.com", "https://a.b.example.com:8443", "https://a.b.example.com:8443"),
            ("xn--bcher-kva.example", "https://bücher.example", "https://xn--bcher-kva.example"),
            ("localhost", "http://localhost:5173", "http://localhost:5173"),
            ("localhost", "http://app.localhost:5173", "http://app.localhost:5173"),
        ] {
            assert_eq!(parse(id, origin), Ok(vec![form.to_owned()]), "{id} {origin}");
        }
        for (id, origin) in [
            ("example.com", "https://evil-example.com"),
            ("example.com", "https://example.com.evil.example"),
            ("app.example.com", "https://example.com"),
            ("example.com", "https://example.org"),
            ("localhost", "http://evil-localhost"),
        ] {
            let error = parse(id, origin).unwrap_err();
            assert!(matches!(error, RelyingPartyError::OtherDomain { .. }), "{id} {origin}");
        }
        let both = ["https://example.com", "https://evil-example.com"];
        let error = RelyingParty::parse("example.com", &both).unwrap_err().to_string();
        let text =
            "must be origins of example.com or of its subdomains: not https://evil-example.com";
        assert_eq!(error, text);
    }

    #[test]
    fn pages_of_other_domains_are_accepted_only_if_they_are_listed() {
        let party = RelyingParty::parse("example.com", &["https://example.com"]).unwrap();
        assert!(!party.allows("https://app.example.org"));
        let given = [
            "https://app.example.org",
            "https://App.example.com",
            "http://example.org",
            "http://example.com",
            "http://localhost:5173",
            "https://app.example.org",
        ];
        let party = party.with_related(&given);
        assert_eq!(party.related(), ["https://app.example.org"]);
        assert_eq!(party.origins(), ["https://example.com", "https://app.example.com"]);
        for (origin, is_allowed) in [
            ("https://app.example.org", true),
            ("https://app.example.com", true),
            ("https://evil-app.example.org", false),
            ("https://app.example.org:8443", false),
            ("http://example.com", false),
            ("http://localhost:5173", false),
        ] {
            assert_eq!(party.allows(origin), is_allowed, "{origin}");
        }
    }

    #[test]
    fn the_rp_id_is_a_domain_that_strangers_do_not_share() {
        let id = |id| RelyingParty::parse(id, &["https://example.com"]).unwrap_err();
        for odd in [
            "",
            "Example.com",
            "https://example.com",
            "example.com:443",
            "example.com/",
            "a b.example",
            "*.example.com",
            ".example.com",
            "example.com.",
            "192.0.2.1",
            "[::1]",
            "bücher.example",
        ] {
            assert_eq!(id(odd), RelyingPartyError::Id, "{odd}");
        }
        assert_eq!(id("com"), RelyingPartyError::PublicSuffix);
    }

    #[test]
    fn origins_have_tls_except_on_this_machine() {
        let insecure = "http://example.com".to_owned();
        assert_eq!(parse("example.com", &insecure), Err(RelyingPartyError::Insecure(insecure)));
        for odd in ["", "*", "null", "example.com", "https://example.com/app"] {
            let error = RelyingPartyError::Origin(odd.to_owned());
            assert_eq!(parse("example.com", odd), Err(error), "{odd}");
        }
        let none: [&str; 0] = [];
        assert_eq!(RelyingParty::parse("example.com", &none), Err(RelyingPartyError::NoOrigin));
    }

    #[test]
    fn an_android_app_is_named_by_the_hash_of_its_certificate() {
        let app = "android:apk-key-hash:LzAyVbYyMrl9-mPJCzZOmaVuBIzMhEgxUdRURsYFWEo";
        assert_eq!(parse("example.com", app), Ok(vec![app.to_owned()]));
        for odd in ["android:apk-key-hash:", "android:apk-key-hash:AAAA", "android:other"] {
            assert_eq!(parse("example.com", odd), Err(RelyingPartyError::Origin(odd.to_owned())));
        }
    }
}
