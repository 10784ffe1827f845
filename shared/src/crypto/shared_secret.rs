//! Secrets by which another service authenticates itself.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

/// A secret that another service must send.
#[derive(Clone)]
pub struct SharedSecret(SecretString);

impl SharedSecret {
    /// A secret that both sides were given.
    pub fn new(secret: impl Into<SecretString>) -> Self {
        Self(secret.into())
    }

    /// Whether that is the secret. Takes the same time wherever the two differ, and does not reveal the length of the
    /// secret.
    pub fn is(&self, shown: &[u8]) -> bool {
        let [own, shown] =
            [self.0.expose_secret().as_bytes(), shown].map(|text| digest(&SHA256, text));
        verify_slices_are_equal(own.as_ref(), shown.as_ref()).is_ok()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = SharedSecret::new("between us");
        assert!(secret.is(b"between us"));
        for other in ["", "between", "between us ", "Between us", "between uz"] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "SharedSecret");
    }
}
