//! Settings of the log.

use std::net::IpAddr;

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{ConfigError, Settings, problem};

/// How much of a caller's IP address a line of the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogIp {
    /// Nothing.
    Off,
    /// The network: the first 24 bits of an IPv4 address, the first 64 of an IPv6 address.
    Prefix,
    /// All of it.
    Full,
}

impl LogIp {
    /// The form of that address in a log line; `None` if the line leaves it out, also for a text that is no address.
    pub fn of(self, ip: &str) -> Option<String> {
        let address = match ip.parse::<IpAddr>().ok()? {
            IpAddr::V6(address) => address.to_canonical(),
            v4 @ IpAddr::V4(_) => v4,
        };
        match (self, address) {
            (Self::Off, _) => None,
            (Self::Full, address) => Some(address.to_string()),
            (Self::Prefix, IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                Some(format!("{a}.{b}.{c}.0/24"))
            }
            (Self::Prefix, IpAddr::V6(address)) => {
                let network = address.to_bits() >> 64 << 64;
                Some(format!("{}/64", std::net::Ipv6Addr::from_bits(network)))
            }
        }
    }
}

impl Settings {
    /// The log filter: a level, or filters. Errors of targets that no filter names are logged, too, so that no filter
    /// hides why a function does not start.
    pub fn log_filter(&self) -> Result<Targets, ConfigError> {
        let wanted = self.text("LOG_LEVEL")?;
        filters(&wanted).ok_or_else(|| {
            let words =
                "must be error, warn, info, debug or off, or filters such as info,accounts=debug";
            problem("LOG_LEVEL", words)
        })
    }

    /// How much of a caller's IP address is logged.
    pub fn log_ip(&self) -> Result<LogIp, ConfigError> {
        match self.text("LOG_IP")?.to_lowercase().as_str() {
            "off" => Ok(LogIp::Off),
            "prefix" => Ok(LogIp::Prefix),
            "full" => Ok(LogIp::Full),
            _ => Err(problem("LOG_IP", "must be off, prefix or full")),
        }
    }
}

/// Refuses a word that is no level. `Targets` would take it for the name of a module, and log nothing else.
fn filters(text: &str) -> Option<Targets> {
    let mut filters = Targets::new().with_default(LevelFilter::ERROR);
    for part in text.split(',').map(str::trim) {
        filters = match part.split_once('=') {
            None => filters.with_default(level(part)?),
            Some((target, of)) if is_target(target) => filters.with_target(target, level(of)?),
            Some(_) => return None,
        };
    }
    Some(filters)
}

fn level(word: &str) -> Option<LevelFilter> {
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let is_known = levels.iter().any(|known| word.eq_ignore_ascii_case(known));
    is_known.then(|| word.parse().ok()).flatten()
}

fn is_target(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_is_one_of_the_words_or_filters_of_them_and_nothing_else() {
        for good in ["info", "WARN", "off", "warn,accounts=debug", "accounts::store=trace, info"] {
            assert!(filters(good).is_some(), "{good}");
        }
        for bad in
            ["warning", "verbose", "3", "", "info,", "accounts", "accounts=loud", "=info", "a=b=c"]
        {
            let settings = Settings::new(move |_| Some(bad.to_owned()));
            let error = settings.log_filter().err().map(|error| error.to_string());
            let words = "LOG_LEVEL must be error, warn, info, debug or off, or filters such as \
                         info,accounts=debug";
            let expected = if bad.is_empty() { None } else { Some(words.to_owned()) };
            assert_eq!(error, expected, "{bad}");
        }
    }

    #[test]
    fn errors_are_logged_unless_they_are_switched_off() {
        let of_graphql = |text, level| filters(text).unwrap().would_enable("graphql", &level);
        assert!(of_graphql("accounts=debug", Level::ERROR));
        assert!(!of_graphql("accounts=debug", Level::WARN));
        assert!(!of_graphql("off,accounts=debug", Level::ERROR));
    }

    #[test]
    fn of_an_ip_address_a_line_has_what_the_setting_says() {
        for (ip, prefix, full) in [
            ("203.0.113.77", "203.0.113.0/24", "203.0.113.77"),
            ("::ffff:203.0.113.77", "203.0.113.0/24", "203.0.113.77"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1:2:3:4:5:6"),
        ] {
            assert_eq!(LogIp::Off.of(ip), None);
            assert_eq!(LogIp::Prefix.of(ip).as_deref(), Some(prefix));
            assert_eq!(LogIp::Full.of(ip).as_deref(), Some(full));
        }
        assert_eq!(LogIp::Full.of("1.2.3.4, 5.6.7.8\r\n"), None);
    }
}
