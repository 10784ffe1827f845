//! Password hashes: Argon2id, off the async threads.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::imported;
use crate::error::Unavailable;
use crate::model::{PasswordHash, PlainPassword};

/// OWASP's choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What an unknown user's password is compared with, so that it takes the work that a known one's
/// does. Made with the parameters above, of random bytes that nobody kept.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$yYhMyAQmJS6HyWNxkgVclQ$\
                      HvVX41AZozWKJzCeq+hubQyz0lxYo7nEm+IaALNp/Vw";

/// How every hash of ours starts.
const PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// What a password is, compared with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The one that was hashed.
    Right,
    /// The one that was hashed, but not as we hash now: hash it anew.
    Outdated,
    /// Another one.
    Wrong,
}

/// Hashes and verifies passwords, at most as many at once as there are cores: each takes 19 MiB.
#[derive(Clone, Debug)]
pub struct Hasher {
    slots: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { slots: Arc::new(Semaphore::new(cores)) }
    }
}

impl Hasher {
    /// Hashes a new password with a salt of 16 random bytes.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn hash(
        &self,
        password: PlainPassword,
        salt: [u8; 16],
    ) -> Result<PasswordHash, Unavailable> {
        self.work(move || {
            let phc = argon2()?.hash_password_with_salt(password.expose(), &salt)?;
            Ok(PasswordHash::new(phc.to_string()))
        })
        .await
    }

    /// Whether the password is the one that was hashed. Without a hash (no such user, or one without
    /// a password), and with one that cannot or should not be computed, the work of our own is done,
    /// and the answer is no.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn verify(
        &self,
        password: PlainPassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, Unavailable> {
        self.work(move || match hash.as_ref().map(PasswordHash::expose) {
            Some(hash) => match imported::verify(password.expose(), hash) {
                Ok(true) if hash.starts_with(PREFIX) => Ok(Verdict::Right),
                Ok(true) => Ok(Verdict::Outdated),
                Ok(false) => Ok(Verdict::Wrong),
                Err(reason) => {
                    tracing::warn!(%reason, "a password cannot be verified");
                    is_ours(&password, NOBODY).map(|_| Verdict::Wrong)
                }
            },
            None => is_ours(&password, NOBODY).map(|_| Verdict::Wrong),
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _slot = self.slots.acquire().await?;
        tokio::task::spawn_blocking(job).await?
    }
}

fn is_ours(password: &PlainPassword, hash: &str) -> Result<bool, Unavailable> {
    match argon2()?.verify_password(password.expose(), hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn argon2() -> Result<Argon2<'static>, Unavailable> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A known answer of argon2-cffi 23.1 (the reference implementation).
    const KNOWN: &str = "$argon2id$v=19$m=19456,t=2,p=1$jp1HyZ3QuWB+sBlhTCNV2Q$btMuWM5dGOH2vgct6W3hJbdvSbi0e0hKNNUN67aTi2I";

    async fn is_right(password: &str, hash: Option<&str>) -> bool {
        let hash = hash.map(PasswordHash::new);
        let verdict = Hasher::default().verify(PlainPassword::new(password), hash).await.unwrap();
        verdict != Verdict::Wrong
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated() {
        let weak = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";
        let hash = Some(PasswordHash::new(weak));
        let verdict = Hasher::default().verify(PlainPassword::new("kdjf84jfKKd"), hash).await;
        assert_eq!(verdict.unwrap(), Verdict::Outdated);
    }

    #[tokio::test]
    async fn a_hash_that_is_none_lets_nobody_in() {
        for broken in ["", "!", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEy"] {
            assert!(!is_right("kdjf84jfKKd", Some(broken)).await, "{broken}");
        }
    }

    #[tokio::test]
    async fn a_hash_made_elsewhere_is_verified() {
        assert!(is_right("kdjf84jfKKd", Some(KNOWN)).await);
        assert!(!is_right("kdjf84jfKKe", Some(KNOWN)).await);
    }

    #[tokio::test]
    async fn a_hash_is_a_phc_string_with_the_parameters_of_owasp() {
        let hash =
            Hasher::default().hash(PlainPassword::new("kdjf84jfKKd"), [7; 16]).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    }

    #[tokio::test]
    async fn nothing_is_cut_or_trimmed() {
        let long = "x".repeat(72);
        let hash = Hasher::default().hash(PlainPassword::new(long.clone()), [7; 16]).await.unwrap();
        for other in [format!("{long}y"), format!("{long} "), long.to_uppercase()] {
            assert!(!is_right(&other, Some(hash.expose())).await, "{other}");
        }
    }

    #[tokio::test]
    async fn nobody_has_no_password_that_is_right() {
        for password in ["", "kdjf84jfKKd"] {
            assert!(!is_right(password, None).await);
        }
    }

    #[tokio::test]
    async fn what_stands_for_an_unknown_user_costs_what_a_known_one_does() {
        let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        let hash =
            Hasher::default().hash(PlainPassword::new("kdjf84jfKKd"), [7; 16]).await.unwrap();
        assert_eq!(parameters(NOBODY), parameters(hash.expose()));
    }
}
