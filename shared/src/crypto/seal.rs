//! Seals bytes that a client keeps and sends back, so that a client cannot make any up.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Secret;

/// The bytes of a tag: too many to guess, and few enough for a short text.
const TAG: usize = 16;

/// Seals bytes, and opens what it sealed. The bytes are not secret: anyone can read them in the text.
#[derive(Clone)]
pub struct Seal(Vec<hmac::Key>);

impl Seal {
    /// A seal for one use, under keys derived from `secret`.
    pub(crate) fn new(secret: &Secret, label: &str) -> Self {
        let keys = secret.derive(label).into_iter();
        Self(keys.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())).collect())
    }

    /// The bytes with their tag, as a text that fits into a URL.
    pub(crate) fn seal(&self, mut bytes: Vec<u8>) -> String {
        let tag = hmac::sign(&self.0[0], &bytes);
        bytes.extend(&tag.as_ref()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The bytes of a sealed text. `None` if no present secret sealed it.
    pub(crate) fn open(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let tag = bytes.split_off(bytes.len().checked_sub(TAG)?);
        let is_ours = self.0.iter().any(|key| {
            let ours = hmac::sign(key, &bytes);
            aws_lc_rs::constant_time::verify_slices_are_equal(&ours.as_ref()[..TAG], &tag).is_ok()
        });
        is_ours.then_some(bytes)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(secrets: &str) -> Seal {
        Seal::new(&Secret::parse(secrets).unwrap(), "test")
    }

    #[test]
    fn a_sealed_text_with_any_bit_changed_does_not_open() {
        let seal = seal(&"a".repeat(32));
        let sealed = URL_SAFE_NO_PAD.decode(seal.seal(b"the bytes".to_vec())).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open(&URL_SAFE_NO_PAD.encode(changed)), None, "{bit}");
        }
    }

    #[test]
    fn a_text_that_was_never_sealed_does_not_open() {
        let seal = seal(&"a".repeat(32));
        for text in ["", "rubbish", "YXJyYXljb25uZWN0aW9uOjM=", "AAAA", "é"] {
            assert_eq!(seal.open(text), None, "{text}");
        }
    }

    #[test]
    fn a_sealed_text_outlives_a_rotation_of_the_secret() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let sealed = seal(&old).seal(b"the bytes".to_vec());
        assert_eq!(seal(&format!("{new},{old}")).open(&sealed), Some(b"the bytes".to_vec()));
        assert_eq!(seal(&new).open(&sealed), None);
    }

    #[test]
    fn a_text_that_was_sealed_for_another_use_does_not_open() {
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        let sealed = Seal::new(&secret, "another use").seal(b"the bytes".to_vec());
        assert_eq!(Seal::new(&secret, "test").open(&sealed), None);
    }
}
