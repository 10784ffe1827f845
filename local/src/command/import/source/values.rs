//! Values, as the databases and languages of other systems write them. The error of each function is the type that it
//! expects.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// From this number on, a number that stands for a time counts milliseconds, not seconds: it is the year 5138 in seconds,
/// and 1973 in milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// A time, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    Never,
}

impl Moment {
    pub(super) fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time),
            Self::Never => None,
        }
    }
}

/// A text.
pub(super) fn text(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("text")
}

/// A text, or the digits of a whole number.
pub(super) fn id(value: &Value) -> Result<String, &'static str> {
    let is_whole = value.is_u64() || value.is_i64();
    let text = value.as_str().map(str::to_owned);
    text.or_else(|| is_whole.then(|| value.to_string())).ok_or("text or whole number")
}

/// Yes or no. A time is a yes: it is that of a confirmation, or of a deletion.
pub(super) fn flag(value: &Value) -> Result<bool, &'static str> {
    let digit = value.as_u64().map(|digit| digit.to_string());
    let text = match (value.as_bool(), value.as_str().or(digit.as_deref())) {
        (Some(flag), _) => return Ok(flag),
        (None, Some(text)) => text.trim().to_lowercase(),
        (None, None) => return Err("yes or no"),
    };
    match &*text {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        number if number.parse::<f64>().is_ok() => Err("yes or no"),
        _ => time(value).map(|_| true).map_err(|_| "yes or no"),
    }
}

/// A time: see [`moment`].
pub(super) fn time(value: &Value) -> Result<Timestamp, &'static str> {
    moment(value)?.at().ok_or("time")
}

/// A time of RFC 3339, in the forms of databases, or the seconds or milliseconds since 1970. A time without a time zone is
/// UTC. `infinity`, as Postgres writes it, is never.
pub(super) fn moment(value: &Value) -> Result<Moment, &'static str> {
    let text = value.as_str().map(str::trim);
    let since = match value.as_i64().or_else(|| text?.parse().ok()) {
        Some(number) if number.saturating_abs() < MILLISECONDS => {
            Some(SignedDuration::from_secs(number))
        }
        Some(number) => Some(SignedDuration::from_millis(number)),
        // The AWS CLI writes seconds with a fraction.
        None => value.as_f64().and_then(|number| SignedDuration::try_from_secs_f64(number).ok()),
    };
    if let Some(since) = since {
        return Timestamp::from_duration(since).map(Moment::At).map_err(|_| "time");
    }
    let text = text.ok_or("time")?;
    if text == "infinity" {
        return Ok(Moment::Never);
    }
    if let Ok(time) = text.parse() {
        return Ok(Moment::At(time));
    }
    let local: Result<DateTime, _> = text.parse();
    let time = local.ok().and_then(|local| local.to_zoned(TimeZone::UTC).ok());
    time.map(|time| Moment::At(time.timestamp())).ok_or("time")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_the_same_in_each_form() {
        let noon: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        for form in [
            json!("2024-02-29T12:00:00Z"),
            json!("2024-02-29T14:00:00.000+02:00"),
            json!("2024-02-29 12:00:00+00"),
            json!("2024-02-29 17:30:00+05:30"),
            json!("2024-02-29T12:00:00"),
            json!("2024-02-29 12:00:00.000"),
            json!(" 2024-02-29 12:00:00 "),
            json!(1_709_208_000),
            json!(1_709_208_000.0),
            json!(1_709_208_000_000_u64),
            json!("1709208000000"),
        ] {
            assert_eq!(time(&form), Ok(noon), "{form}");
        }
        assert_eq!(time(&json!("2024-02-29")).unwrap().to_string(), "2024-02-29T00:00:00Z");
        let exact = time(&json!("2024-02-29 12:00:00.123456+00")).unwrap();
        assert_eq!(exact.to_string(), "2024-02-29T12:00:00.123456Z");
        assert_eq!(moment(&json!("infinity")), Ok(Moment::Never));
        for none in [
            json!("infinity"),
            json!("-infinity"),
            json!("nan"),
            json!("inf"),
            json!("now"),
            json!("2024-02-30"),
            json!("29.02.2024"),
            json!(1e300),
            json!(true),
            json!([]),
            json!("99999-01-01"),
        ] {
            assert!(time(&none).is_err(), "{none}");
        }
    }

    #[test]
    fn yes_and_no_have_many_forms() {
        for yes in [json!(true), json!("True"), json!("t"), json!("YES"), json!(1), json!("1")] {
            assert_eq!(flag(&yes), Ok(true), "{yes}");
        }
        for no in [json!(false), json!("FALSE"), json!("f"), json!("no"), json!(0), json!("0")] {
            assert_eq!(flag(&no), Ok(false), "{no}");
        }
        assert_eq!(flag(&json!("2024-02-29 12:00:00+00")), Ok(true));
        for neither in [json!("maybe"), json!(""), json!(-1), json!({}), json!(null)] {
            assert!(flag(&neither).is_err(), "{neither}");
        }
    }
}
