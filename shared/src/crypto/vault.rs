//! Encrypts data that the table must not reveal, such as the secrets of authenticator apps.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Secret;
use crate::random::Random;

/// Encrypts by AES-256-GCM under the newest secret. Decrypts texts of all present secrets. Each text belongs to an
/// owner, and does not decrypt with another one. So a copy of the text in the item of another user is useless.
#[derive(Clone)]
pub struct Vault(std::sync::Arc<[LessSafeKey]>);

impl Vault {
    /// A vault for one use, under keys derived from `secret`.
    #[expect(clippy::expect_used, reason = "32 bytes are a key of AES-256")]
    pub(super) fn new(secret: &Secret, label: &str) -> Self {
        let key = |key: &Zeroizing<[u8; 32]>| {
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).expect("a key"))
        };
        Self(secret.derive(label).iter().map(key).collect())
    }

    /// The encrypted bytes as text. The nonce is random: 96 bits are enough for 2^32 texts under one key (NIST SP
    /// 800-38D, 8.3).
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only texts of 64 GiB")]
    pub fn lock(&self, owner: &str, bytes: &[u8], random: &Random) -> String {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut sealed = bytes.to_vec();
        self.0[0]
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut sealed,
            )
            .expect("a short text can be encrypted");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// The bytes of an encrypted text. `None` if no present secret decrypts it for this owner.
    pub fn open(&self, owner: &str, text: &str) -> Option<Opened> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        self.0.iter().enumerate().find_map(|(place, key)| {
            let mut opened = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let length =
                key.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut opened).ok()?.len();
            opened.truncate(length);
            Some(Opened { bytes: opened, is_newest: place == 0 })
        })
    }
}

/// A decrypted text.
pub struct Opened {
    /// The bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether the newest secret encrypted the text. If not, encrypt the bytes again at the next write, because a later
    /// `AUTH_SECRET` may lack the older secret.
    pub is_newest: bool,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(secrets: &str) -> Vault {
        Vault::new(&Secret::parse(secrets).unwrap(), "test")
    }

    #[test]
    fn a_ciphertext_opens_for_its_owner_alone_and_never_after_a_change_of_any_bit() {
        let vault = vault(&"a".repeat(32));
        let text = vault.lock("ann", b"the secret", &Random::seeded(1));
        assert_eq!(vault.open("ann", &text).unwrap().bytes.as_slice(), b"the secret");
        assert!(vault.open("bob", &text).is_none());
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"the secret"));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(vault.open("ann", &URL_SAFE_NO_PAD.encode(changed)).is_none(), "{bit}");
        }
    }

    #[test]
    fn the_same_bytes_are_never_the_same_text() {
        let (vault, random) = (vault(&"a".repeat(32)), Random::seeded(1));
        assert_ne!(vault.lock("ann", b"x", &random), vault.lock("ann", b"x", &random));
    }

    #[test]
    fn a_text_outlives_a_rotation_of_the_secret() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let text = vault(&old).lock("ann", b"x", &Random::seeded(1));
        assert!(vault(&old).open("ann", &text).unwrap().is_newest);
        assert!(!vault(&format!("{new},{old}")).open("ann", &text).unwrap().is_newest);
        assert!(vault(&new).open("ann", &text).is_none());
    }

    #[test]
    fn rubbish_does_not_open() {
        for text in ["", "AAAA", "rubbish", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert!(vault(&"a".repeat(32)).open("ann", text).is_none(), "{text}");
        }
    }
}
