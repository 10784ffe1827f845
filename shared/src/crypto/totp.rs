//! The codes of authenticator apps (RFC 6238): SHA-1, six digits, steps of 30 seconds. Many apps silently ignore other
//! settings, so there are none.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::model::copied::TypedCode;

/// The bytes of a secret: as many as the output of SHA-1 (RFC 4226, 4).
pub const SECRET_BYTES: usize = 20;
/// The seconds of a time step.
const STEP: u64 = 30;
/// The digits of a code.
const DIGITS: usize = 6;

/// The time step of that moment.
pub fn step(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or_default() / STEP
}

/// The time step of a correct code that was not used before: the present step, or the one before it for a user who
/// types slowly. [`TypedCode`] reads the code. `after` is the step of the last code that was accepted; no code is
/// accepted twice (RFC 6238, 5.2). Takes the same time for any wrong digits.
pub fn accept(secret: &[u8], typed: &str, after: u64, now: Timestamp) -> Option<u64> {
    let typed = TypedCode::parse(typed)?;
    let typed = typed.expose();
    let present = step(now);
    let fits = |step: u64| {
        verify_slices_are_equal(code(secret, step).as_bytes(), typed.as_bytes()).is_ok()
    };
    let (is_present, is_before) = (fits(present), fits(present.saturating_sub(1)));
    let step = if is_present { present } else { present.saturating_sub(1) };
    ((is_present || is_before) && step > after).then_some(step)
}

/// The digits of that step (RFC 4226, 5.3).
fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    let bytes = tag[offset..].iter().take(4);
    let number = bytes.fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 1_000_000)
}

/// The secret as a user types it into an app.
pub fn secret_text(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// The secret of that text, as [`secret_text`] or another system writes it: with or without spaces, hyphens and padding.
/// `None` for a text that is none, or that has fewer than 80 bits or more than 512.
pub fn read_secret(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let kept = text.chars().filter(|it| !matches!(it, ' ' | '-' | '='));
    let text: Zeroizing<String> = Zeroizing::new(kept.collect::<String>().to_ascii_uppercase());
    let secret = Zeroizing::new(BASE32_NOPAD.decode(text.as_bytes()).ok()?);
    (10..=64).contains(&secret.len()).then_some(secret)
}

/// The URI that an app reads from a QR code, with the issuer in the label, too, for apps that know only that.
pub fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let escape =
        |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    // A colon separates the two parts of the label.
    let (issuer, account) = (escape(&issuer.replace(':', " ")), escape(account));
    let secret = secret_text(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B, for SHA-1: the last six of the eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(accept(SECRET, code, 0, at(second)), Some(step(at(second))), "{second}");
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_codes_of_the_first_steps_are_those_of_the_rfc() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, expected) in codes.iter().enumerate() {
            assert_eq!(code(SECRET, step as u64), *expected, "{step}");
        }
    }

    #[test]
    fn a_code_is_accepted_in_its_step_and_the_next_one_and_only_once() {
        let start = at(1_111_111_110);
        let code = code(SECRET, step(start));
        let accepted =
            |seconds: i64, after| accept(SECRET, &code, after, at(start.as_second() + seconds));
        let first = step(start);
        assert_eq!(accepted(0, 0), Some(first));
        assert_eq!(accepted(59, 0), Some(first));
        assert_eq!(accepted(60, 0), None);
        assert_eq!(accepted(-1, 0), None, "a code of the future");
        assert_eq!(accepted(0, first), None, "used before");
        assert_eq!(accepted(30, first), None, "used before, in the next step");
        assert_eq!(accepted(0, first - 1), Some(first));
    }

    #[test]
    fn a_secret_is_read_as_apps_and_people_write_it() {
        let text = secret_text(SECRET);
        assert_eq!(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for typed in [
            &*text,
            "gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ====",
        ] {
            assert_eq!(read_secret(typed).as_deref().map(Vec::as_slice), Some(SECRET), "{typed}");
        }
        for bad in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJQ", &"A".repeat(104)] {
            assert!(read_secret(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn other_digits_are_wrong() {
        let now = at(59);
        for typed in ["", "28708", "2870820", "287083", "287 08a"] {
            assert_eq!(accept(SECRET, typed, 0, now), None, "{typed}");
        }
        for typed in [" 287 082 ", "２８７０８２", "۲۸۷۰۸۲"] {
            assert!(accept(SECRET, typed, 0, now).is_some(), "{typed}");
        }
    }

    #[test]
    fn the_uri_has_the_issuer_in_the_label_and_in_the_parameter() {
        let uri = uri(SECRET, "Ann: & Sons", "ann+1@a.example");
        assert_eq!(
            uri,
            "otpauth://totp/Ann%20%20%26%20Sons:ann%2B1%40a.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Ann%20%20%26%20Sons&algorithm=SHA1&digits=6&period=30"
        );
    }
}
