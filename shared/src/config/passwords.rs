//! What new passwords must be like.

use super::{ConfigError, Settings, problem};
use crate::breached::BreachedPasswords;
use crate::model::password::{MAX_MIN_LENGTH, MIN_LENGTH, PasswordRules};

/// The name of the product: where users know it, attackers do, too.
const PRODUCT: &str = "Latchkey";

impl Settings {
    /// What new passwords must be like.
    ///
    /// # Errors
    /// A malformed setting.
    pub fn password_rules(&self) -> Result<PasswordRules, ConfigError> {
        Ok(PasswordRules { min_length: self.min_length()?, site_names: self.site_names()? })
    }

    /// The breached passwords. Only the header of their file is read.
    pub(super) fn breached_passwords(&self) -> Result<Option<BreachedPasswords>, ConfigError> {
        const NAME: &str = "BREACHED_PASSWORDS";
        let Some(path) = self.given(NAME) else { return Ok(None) };
        let breached = BreachedPasswords::at(path);
        let breached = breached.map_err(|error| problem(NAME, format!("cannot be used: {error}")));
        breached.map(Some)
    }

    fn min_length(&self) -> Result<usize, ConfigError> {
        const NAME: &str = "PASSWORD_MIN_LENGTH";
        let given = self.text(NAME)?.parse().ok();
        given.filter(|length| (MIN_LENGTH..=MAX_MIN_LENGTH).contains(length)).ok_or_else(|| {
            problem(NAME, format!("must be a number from {MIN_LENGTH} to {MAX_MIN_LENGTH}"))
        })
    }

    /// The hosts as people write them, not in punycode. A missing `BASE_URL` is no error here: the functions that issue
    /// tokens require it elsewhere.
    fn site_names(&self) -> Result<Vec<String>, ConfigError> {
        let urls = [self.base_url().ok(), self.link_url().ok(), self.app_url()?];
        let hosts = urls.into_iter().flatten().map(|url| idna::domain_to_unicode(url.host()).0);
        let names = [PRODUCT.to_owned(), self.site_name()?].into_iter().chain(hosts);
        let mut site_names = Vec::new();
        for name in names {
            if !site_names.contains(&name) {
                site_names.push(name);
            }
        }
        Ok(site_names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(given: &'static [(&'static str, &'static str)]) -> Result<PasswordRules, String> {
        let value = |wanted| given.iter().find(|(name, _)| *name == wanted);
        let settings = Settings::new(move |wanted| value(wanted).map(|(_, value)| (*value).into()));
        settings.password_rules().map_err(|error| error.to_string())
    }

    /// A minimum below that of NIST would weaken every account, and an absurd one would let in no new user.
    #[test]
    fn the_fewest_characters_of_a_password_are_from_8_to_64() {
        assert_eq!(rules(&[]).unwrap().min_length, 8);
        for (text, length) in [("8", 8), ("15", 15), ("64", 64)] {
            let given = [("PASSWORD_MIN_LENGTH", text)].to_vec().leak();
            assert_eq!(rules(given).unwrap().min_length, length);
        }
        for text in ["7", "65", "0", "-8", "8.5", "many"] {
            let given = [("PASSWORD_MIN_LENGTH", text)].to_vec().leak();
            let error = rules(given).unwrap_err();
            assert_eq!(error, "PASSWORD_MIN_LENGTH must be a number from 8 to 64");
        }
    }

    /// A site that was to refuse breached passwords must not start without their list.
    #[test]
    fn a_list_of_breached_passwords_that_is_none_is_found_at_the_start() {
        let error = |path: &str| {
            let given = [("BREACHED_PASSWORDS".to_owned(), path.to_owned())];
            let settings = Settings::new(move |wanted| {
                given.iter().find(|(name, _)| name == wanted).map(|(_, path)| path.clone())
            });
            settings.policy().err().map(|error| error.to_string())
        };
        let missing = error("/nowhere/filter").unwrap();
        let start = "BREACHED_PASSWORDS cannot be used: it cannot be read: ";
        assert!(missing.starts_with(start), "{missing}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "password\n").unwrap();
        assert_eq!(
            error(file.path().to_str().unwrap()).unwrap(),
            "BREACHED_PASSWORDS cannot be used: it is no filter of breached passwords: \
             `breached-passwords build` makes one"
        );
        assert_eq!(error(""), None);
    }

    /// All names that users connect with the site count, as people write them.
    #[test]
    fn the_site_has_the_names_of_the_product_and_its_own_and_the_hosts_of_its_urls() {
        let given = &[
            ("SITE_NAME", "Marmalade"),
            ("BASE_URL", "https://auth.xn--bcher-kva.example"),
            ("APP_URL", "https://shop.example/books"),
        ];
        let names = ["Latchkey", "Marmalade", "auth.bücher.example", "shop.example"];
        assert_eq!(rules(given).unwrap().site_names, names);
        assert_eq!(rules(&[]).unwrap().site_names, ["Latchkey"]);
    }
}
