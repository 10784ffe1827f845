//! Password hashes: Argon2id, off the async threads.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

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
    /// a password) the same work is done, and the answer is no.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn verify(
        &self,
        password: PlainPassword,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Unavailable> {
        self.work(move || {
            let known = hash.as_ref().map_or(NOBODY, PasswordHash::expose);
            let is_right = match argon2()?.verify_password(password.expose(), known) {
                Ok(()) => true,
                Err(argon2::password_hash::Error::PasswordInvalid) => false,
                Err(error) => return Err(error.into()),
            };
            Ok(is_right && hash.is_some())
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
        Hasher::default().verify(PlainPassword::new(password), hash).await.unwrap()
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
