//! Names for items whose keys must not reveal their subject.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Secret;

/// The bytes of a digest that are kept. With 128 bits, no two names share a digest.
const BYTES: usize = 16;

/// Turns addresses, names and networks into digests that reveal nothing without the secret. A rotation of the secret
/// changes all digests.
#[derive(Clone)]
pub struct Blinds(hmac::Key);

impl Blinds {
    pub(super) fn new(secret: &Secret) -> Self {
        let keys = secret.derive("blinded key");
        Self(hmac::Key::new(hmac::HMAC_SHA256, keys[0].as_slice()))
    }

    /// The digest of those parts, in that order.
    pub fn of(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            // The length first, so that no two lists of parts read the same.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..BYTES])
    }
}

impl std::fmt::Debug for Blinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blinds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_belongs_to_its_parts_and_to_the_secret() {
        let of = |secret: &str, parts: &[&str]| {
            Blinds::new(&Secret::parse(&secret.repeat(32)).unwrap()).of(parts)
        };
        assert_eq!(of("a", &["ann", "b"]), of("a", &["ann", "b"]));
        assert_ne!(of("a", &["ann", "b"]), of("a", &["an", "nb"]));
        assert_ne!(of("a", &["ann"]), of("b", &["ann"]));
        assert!(!of("a", &["ann"]).contains("ann"));
    }
}
