//! The site as authenticators know it.

use super::{ConfigError, Settings, problem};
use crate::webauthn::RelyingParty;

const NAME: &str = "RP_ID";

impl Settings {
    /// The relying party of passkeys: its id is `RP_ID`, or the host of `BASE_URL`. Its origins are those whose pages may
    /// call the API. `None` if there is no setting and browsers have no passkeys at `BASE_URL`, and for a function that does
    /// not have the address of the site.
    pub fn relying_party(&self) -> Result<Option<RelyingParty>, ConfigError> {
        if self.given("BASE_URL").is_none() {
            return Ok(None);
        }
        let (base, given) = (self.base_url()?, self.given(NAME));
        let id = given.as_deref().unwrap_or(base.host());
        let app = self.app_url()?.filter(|_| given.is_some());
        let own: Vec<_> = [Some(&base), app.as_ref()].into_iter().flatten().collect();
        let own: Vec<_> = own.into_iter().map(super::WebUrl::origin).collect();
        match RelyingParty::parse(id, &own) {
            Ok(party) => Ok(Some(party.with_related(&self.origins()?))),
            Err(_) if given.is_none() => Ok(None),
            Err(_) => {
                let form = "must be a domain such as example.com: the host of BASE_URL, or a domain above it that \
                            APP_URL is in, too; both with https";
                Err(problem(NAME, form))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(
        given: &'static [(&'static str, &'static str)],
    ) -> Result<Option<RelyingParty>, ConfigError> {
        let find = |name: &str| given.iter().find(|(own, _)| *own == name).map(|(_, it)| *it);
        Settings::new(move |name| find(name).map(str::to_owned)).relying_party()
    }

    /// The RP ID and the origins of a site.
    #[test]
    fn the_host_of_the_site_is_the_rp_id_unless_another_one_is_set() {
        let own = party(&[
            ("BASE_URL", "https://accounts.example.com/x"),
            ("APP_URL", "https://www.example.com/me"),
            ("CORS_ORIGINS", "https://shop.example.org,http://localhost:5173"),
        ]);
        let own = own.unwrap().unwrap();
        assert_eq!(own.id(), "accounts.example.com");
        assert_eq!(own.origins(), ["https://accounts.example.com"]);
        assert_eq!(own.related(), ["https://shop.example.org", "https://www.example.com"]);
        let above = party(&[
            ("BASE_URL", "https://accounts.example.com"),
            ("APP_URL", "https://www.example.com/me"),
            ("RP_ID", "example.com"),
        ]);
        let above = above.unwrap().unwrap();
        assert_eq!(above.id(), "example.com");
        assert_eq!(above.origins(), ["https://accounts.example.com", "https://www.example.com"]);
        assert!(above.related().is_empty());
        let here = party(&[("BASE_URL", "http://localhost:3000")]).unwrap().unwrap();
        assert_eq!((here.id(), here.origins().len()), ("localhost", 1));
    }

    #[test]
    fn a_site_without_a_domain_or_without_tls_has_no_passkeys() {
        for url in ["http://accounts.example.com", "https://192.0.2.1", "http://127.0.0.1:3000"] {
            let party = Settings::new(move |name| (name == "BASE_URL").then(|| url.to_owned()));
            assert_eq!(party.relying_party(), Ok(None), "{url}");
        }
    }

    #[test]
    fn a_function_without_the_address_of_the_site_has_no_passkeys() {
        assert_eq!(party(&[]), Ok(None));
        assert_eq!(party(&[("RP_ID", "example.com")]), Ok(None));
    }

    /// An RP ID must be a suffix that starts at a label of the domain.
    #[test]
    fn an_rp_id_that_browsers_would_refuse_stops_the_start() {
        for (base, app, id) in [
            ("https://evil-example.com", "", "example.com"),
            ("https://accounts.example.com", "https://app.example.org", "example.com"),
            ("https://example.com", "", "accounts.example.com"),
            ("https://accounts.example.com", "", "com"),
            ("https://accounts.example.com", "", "Example.com"),
            ("http://accounts.example.com", "", "example.com"),
        ] {
            let settings = Settings::new(move |name| match name {
                "BASE_URL" => Some(base.to_owned()),
                "APP_URL" => Some(app.to_owned()),
                "RP_ID" => Some(id.to_owned()),
                _ => None,
            });
            let error = settings.relying_party().unwrap_err();
            assert_eq!(error.setting(), "RP_ID", "{base} {app} {id}");
        }
    }
}
