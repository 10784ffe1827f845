//! How long things last.

use jiff::SignedDuration;

use super::table::SETTINGS;
use super::{ConfigError, Settings, problem};

impl Settings {
    /// A whole number of seconds, within the range that the table of settings has.
    pub(super) fn seconds(&self, name: &'static str) -> Result<SignedDuration, ConfigError> {
        let Ok(seconds) = self.text(name)?.parse::<u32>() else {
            return Err(problem(name, "must be a number of seconds"));
        };
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        if let Some(range) = setting.and_then(|setting| setting.seconds.as_ref())
            && !range.contains(&seconds)
        {
            let (least, most) = (range.start(), range.end());
            return Err(problem(name, format!("must be from {least} to {most} seconds")));
        }
        Ok(SignedDuration::from_secs(seconds.into()))
    }

    /// A session in use ends after its absolute lifetime. So the idle lifetime cannot be longer.
    pub(super) fn refresh_token_lifetimes(
        &self,
    ) -> Result<(SignedDuration, SignedDuration), ConfigError> {
        let (idle, absolute) = ("REFRESH_TOKEN_LIFETIME", "REFRESH_TOKEN_ABSOLUTE_LIFETIME");
        let lifetimes = (self.seconds(idle)?, self.seconds(absolute)?);
        if lifetimes.0 > lifetimes.1 {
            return Err(problem(idle, format!("must not be longer than {absolute}")));
        }
        Ok(lifetimes)
    }

    /// The links in the first mails of an account must work for as long as the mails say. So the account must live as
    /// long as they do.
    pub(super) fn unverified_account_lifetime(&self) -> Result<SignedDuration, ConfigError> {
        let name = "UNVERIFIED_ACCOUNT_LIFETIME";
        let lifetime = self.seconds(name)?;
        for link in ["EXPIRATION_ACTIVATION_TOKEN", "EXPIRATION_PASSWORD_SET_TOKEN"] {
            if lifetime < self.seconds(link)? {
                return Err(problem(name, format!("must not be shorter than {link}")));
            }
        }
        Ok(lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(given: &'static [(&'static str, &'static str)]) -> Option<String> {
        let value = |wanted| given.iter().find(|(name, _)| *name == wanted);
        let settings = Settings::new(move |wanted| value(wanted).map(|(_, value)| (*value).into()));
        settings.policy().err().map(|error| error.to_string())
    }

    #[test]
    fn a_lifetime_beyond_its_range_is_refused_with_the_range() {
        for (given, range) in [
            (("ACCESS_TOKEN_LIFETIME", "0"), "1 to 86400"),
            (("ACCESS_TOKEN_LIFETIME", "999999999"), "1 to 86400"),
            (("REFRESH_GRACE", "100000"), "0 to 120"),
            (("REFRESH_TOKEN_LIFETIME", "59"), "60 to 31536000"),
            (("REFRESH_TOKEN_ABSOLUTE_LIFETIME", "31536001"), "60 to 31536000"),
            (("EXPIRATION_ACTIVATION_TOKEN", "2592001"), "60 to 2592000"),
            (("EXPIRATION_PASSWORD_RESET_TOKEN", "59"), "60 to 2592000"),
            (("EXPIRATION_PASSWORD_SET_TOKEN", "2592001"), "60 to 2592000"),
            (("EXPIRATION_SECONDARY_EMAIL_ACTIVATION_TOKEN", "0"), "60 to 2592000"),
            (("EXPIRATION_EMAIL_CHANGE_TOKEN", "2592001"), "60 to 2592000"),
        ] {
            let line = format!("{} must be from {range} seconds", given.0);
            assert_eq!(error([given].to_vec().leak()), Some(line));
        }
        for good in [("REFRESH_GRACE", "0"), ("ACCESS_TOKEN_LIFETIME", "86400")] {
            assert_eq!(error([good].to_vec().leak()), None);
        }
    }

    #[test]
    fn a_session_that_is_not_used_does_not_outlast_one_that_is() {
        let given =
            &[("REFRESH_TOKEN_LIFETIME", "604800"), ("REFRESH_TOKEN_ABSOLUTE_LIFETIME", "86400")];
        let line = "REFRESH_TOKEN_LIFETIME must not be longer than REFRESH_TOKEN_ABSOLUTE_LIFETIME";
        assert_eq!(error(given).as_deref(), Some(line));
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        for text in ["soon", "15m", "-1", "1.5", "4294967296"] {
            let given = [("REFRESH_GRACE", text)].to_vec().leak();
            assert_eq!(error(given).as_deref(), Some("REFRESH_GRACE must be a number of seconds"));
        }
    }
}
