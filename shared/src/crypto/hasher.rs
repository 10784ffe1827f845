//! Password hashes: Argon2id, off the async threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;

use super::imported;
use crate::error::Unavailable;
use crate::model::{PasswordHash, PlainPassword};

/// OWASP's choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash that the password of an unknown user is compared with, so that it takes the same work as that of a known
/// user. It was made with the parameters above, from random bytes that were not kept.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$yYhMyAQmJS6HyWNxkgVclQ$\
                      HvVX41AZozWKJzCeq+hubQyz0lxYo7nEm+IaALNp/Vw";

/// The start of every hash that Latchkey makes.
const PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// The result of a comparison of a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is the one that was hashed.
    Right,
    /// The password is the one that was hashed, but the hash is not one that we would make now: hash the password
    /// again.
    Outdated,
    /// The password is another one.
    Wrong,
}

/// The bytes of a hash that Latchkey makes.
const LENGTH: usize = 32;

/// Hashes and verifies passwords, at most as many at once as there are cores: each takes 19 MiB.
#[derive(Clone, Debug)]
pub struct Hasher {
    /// One for each core. The first password makes them: to count the cores reads files, and most starts see no
    /// password.
    slots: Arc<LazyLock<Semaphore>>,
    memory: Memory,
    /// How many passwords were hashed or verified.
    count: Arc<AtomicU64>,
}

/// The memory of earlier hashes, for the next ones. If it went back to the allocator each time, it would come back in
/// new places, and the process would grow by the memory of one hash (19 MiB) with every few log-ins.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Default for Hasher {
    fn default() -> Self {
        let slots: LazyLock<Semaphore> =
            LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));
        Self { slots: Arc::new(slots), memory: Memory::default(), count: Arc::default() }
    }
}

impl Hasher {
    /// Hashes a new password, normalised, with a salt of 16 random bytes.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn hash(
        &self,
        password: PlainPassword,
        salt: [u8; 16],
    ) -> Result<PasswordHash, Unavailable> {
        let memory = self.memory.clone();
        self.work(move || {
            let hash = memory.hash(&password.normalised(), &salt)?;
            let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
            Ok(PasswordHash::new(format!("{PREFIX}{salt}${hash}")))
        })
        .await
    }

    /// Whether the password is the one that was hashed. Latchkey hashes its normalised form. Django and earlier
    /// releases hashed it as it was typed, so both forms are compared.
    ///
    /// Without a hash (no such user, or a user without a password), and with a hash that cannot or should not be
    /// computed, the answer is [`Verdict::Wrong`], after the same work as with a hash of our own.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn verify(
        &self,
        password: PlainPassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, Unavailable> {
        let memory = self.memory.clone();
        self.work(move || {
            let normalised = password.normalised();
            let verdict = memory.verify(&normalised, hash.as_ref())?;
            if verdict != Verdict::Wrong || normalised.expose() == password.expose() {
                return Ok(verdict);
            }
            // Without a hash, too: how long the answer takes must not reveal whether there is one.
            match memory.verify(&password, hash.as_ref())? {
                Verdict::Wrong => Ok(Verdict::Wrong),
                Verdict::Right | Verdict::Outdated => Ok(Verdict::Outdated),
            }
        })
        .await
    }

    /// Which of those hashes is that of the password. They are our own, with the same salt: so one computation compares the
    /// password with all of them. A hash with another salt than the first one is never right.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub async fn find(
        &self,
        password: PlainPassword,
        hashes: Vec<PasswordHash>,
    ) -> Result<Option<usize>, Unavailable> {
        let memory = self.memory.clone();
        self.work(move || {
            let known: Vec<_> = hashes.iter().map(|hash| parts(hash.expose())).collect();
            let dummy = parts(DUMMY).map(|(salt, _)| salt).unwrap_or_default();
            let salt = known.first().cloned().flatten().map_or(dummy, |(salt, _)| salt);
            let hash = memory.hash(&password.normalised(), &salt)?;
            let is_it = |known: &Option<(Vec<u8>, Vec<u8>)>| {
                known.as_ref().is_some_and(|(own, expected)| {
                    verify_slices_are_equal(&hash, expected).is_ok() && *own == salt
                })
            };
            Ok(known.iter().position(is_it))
        })
        .await
    }

    /// Whether [`Hasher::find`] can find each of those hashes.
    pub fn have_one_salt<'a>(hashes: impl IntoIterator<Item = &'a PasswordHash>) -> bool {
        let mut salts = hashes.into_iter().map(|it| parts(it.expose()).map(|(salt, _)| salt));
        let first = salts.next().flatten();
        first.is_some() && salts.all(|salt| salt == first)
    }

    /// Whether [`Hasher::verify`] could ever say that a password is right: whether the hash is of a known form, whole, and
    /// of a bounded cost. Nothing is hashed.
    pub fn can_verify(hash: &PasswordHash) -> bool {
        imported::check(hash.expose()).is_ok()
    }

    /// How many passwords were hashed or verified so far: what an attacker can make the site pay for.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _slot = self.slots.acquire().await?;
        self.count.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(job).await?
    }
}

impl Memory {
    /// Whether exactly these bytes were hashed.
    fn verify(
        &self,
        password: &PlainPassword,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, Unavailable> {
        let wrong = || self.is_of(password, DUMMY).map(|_| Verdict::Wrong);
        let Some(hash) = hash else { return wrong() };
        if let Some(is_right) = self.is_of(password, hash.expose())? {
            return Ok(if is_right { Verdict::Right } else { Verdict::Wrong });
        }
        match imported::verify(password.expose(), hash.expose()) {
            Ok(true) => Ok(Verdict::Outdated),
            Ok(false) => Ok(Verdict::Wrong),
            Err(reason) => {
                tracing::warn!(%reason, "a password cannot be verified");
                wrong()
            }
        }
    }

    /// Whether the password has that hash; `None` for a hash that Latchkey did not make.
    fn is_of(&self, password: &PlainPassword, hash: &str) -> Result<Option<bool>, Unavailable> {
        let Some((salt, expected)) = parts(hash) else { return Ok(None) };
        let hash = self.hash(password, &salt)?;
        Ok(Some(verify_slices_are_equal(&hash, &expected).is_ok()))
    }

    fn hash(&self, password: &PlainPassword, salt: &[u8]) -> Result<[u8; LENGTH], Unavailable> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(LENGTH))?;
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut blocks = free.unwrap_or_else(|| vec![Block::default(); params.block_count()]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (password, mut hash) = (password.expose(), [0; LENGTH]);
        let done = argon2.hash_password_into_with_memory(password, salt, &mut hash, &mut blocks);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
        done?;
        Ok(hash)
    }
}

/// Salt and hash of a PHC string with our present parameters.
fn parts(hash: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (salt, hash) = hash.strip_prefix(PREFIX)?.split_once('$')?;
    let (salt, hash) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
    (salt.len() >= argon2::MIN_SALT_LEN && hash.len() == LENGTH).then_some((salt, hash))
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

    /// The crate itself verifies the hash, in new memory.
    #[tokio::test]
    async fn a_hash_of_ours_is_one_elsewhere_whatever_was_in_the_memory_before() {
        use argon2::password_hash::PasswordVerifier;
        let hasher = Hasher::default();
        for password in ["kdjf84jfKKd", "", "x", "kdjf84jfKKd"] {
            let hash = hasher.hash(PlainPassword::new(password), [7; 16]).await.unwrap();
            Argon2::default().verify_password(password.as_bytes(), hash.expose()).unwrap();
            let verdict = hasher.verify(PlainPassword::new(password), Some(hash)).await.unwrap();
            assert_eq!(verdict, Verdict::Right);
        }
        assert_eq!(hasher.memory.0.lock().unwrap().len(), 1, "one after the other needs one");
    }

    #[tokio::test]
    async fn one_computation_finds_a_password_among_known_of_one_salt() {
        let hasher = Hasher::default();
        let mut known = Vec::new();
        for password in ["a", "b", "c"] {
            known.push(hasher.hash(PlainPassword::new(password), [7; 16]).await.unwrap());
        }
        assert!(Hasher::have_one_salt(&known));
        let other = hasher.hash(PlainPassword::new("d"), [8; 16]).await.unwrap();
        let all = [&known[..], std::slice::from_ref(&other)].concat();
        assert!(!Hasher::have_one_salt(&all) && !Hasher::have_one_salt([]));
        assert!(!Hasher::have_one_salt([&PasswordHash::new("plain")]));
        let before = hasher.count();
        for (password, found) in [("b", Some(1)), ("c", Some(2)), ("d", None), ("", None)] {
            let all = all.clone();
            assert_eq!(hasher.find(PlainPassword::new(password), all).await.unwrap(), found);
        }
        assert_eq!(hasher.find(PlainPassword::new("a"), Vec::new()).await.unwrap(), None);
        assert_eq!(hasher.count() - before, 5);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated() {
        let weak = "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ";
        let hash = Some(PasswordHash::new(weak));
        let verdict = Hasher::default().verify(PlainPassword::new("kdjf84jfKKd"), hash).await;
        assert_eq!(verdict.unwrap(), Verdict::Outdated);
    }

    #[tokio::test]
    async fn an_invalid_hash_matches_no_password() {
        let cut = &KNOWN[..KNOWN.len() - 4];
        let unsalted = format!("{PREFIX}$btMuWM5dGOH2vgct6W3hJbdvSbi0e0hKNNUN67aTi2I");
        for broken in [
            "",
            "!",
            PREFIX,
            cut,
            &unsalted,
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEy",
        ] {
            assert!(!is_right("kdjf84jfKKd", Some(broken)).await, "{broken}");
            assert!(!Hasher::can_verify(&PasswordHash::new(broken)), "{broken}");
        }
    }

    #[tokio::test]
    async fn a_hash_made_elsewhere_is_verified() {
        assert!(is_right("kdjf84jfKKd", Some(KNOWN)).await);
        assert!(Hasher::can_verify(&PasswordHash::new(KNOWN)));
        assert!(!is_right("kdjf84jfKKe", Some(KNOWN)).await);
    }

    #[tokio::test]
    async fn a_hash_is_a_phc_string_with_the_parameters_of_owasp() {
        let hash =
            Hasher::default().hash(PlainPassword::new("kdjf84jfKKd"), [7; 16]).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    }

    /// Django 5.2's `make_password("cafe\u0301 noir 84")`, which hashes what was typed.
    const DECOMPOSED: &str =
        "pbkdf2_sha256$1000000$fourhundredgrams$ThnghaAEesLVrrYxUEdPZj+o9Q16bOz7M8c8zA0Oe0I=";

    #[tokio::test]
    async fn a_password_is_the_same_however_its_keyboard_composes_it() {
        let hasher = Hasher::default();
        let forms = ["caf\u{e9} noir 84", "cafe\u{301} noir 84", "ｃafé noir\u{a0}８４"];
        for set in forms {
            let hash = hasher.hash(PlainPassword::new(set), [7; 16]).await.unwrap();
            for typed in forms {
                let verdict = hasher.verify(PlainPassword::new(typed), Some(hash.clone())).await;
                assert_eq!(verdict.unwrap(), Verdict::Right, "{set} {typed}");
            }
            assert!(!is_right("cafe noir 84", Some(hash.expose())).await, "{set}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_what_was_typed_is_verified_and_outdated() {
        let (hasher, typed) = (Hasher::default(), "cafe\u{301} noir 84");
        let ours = hasher.memory.hash(&PlainPassword::new(typed), &[7; 16]).unwrap();
        let ours =
            format!("{PREFIX}{}${}", STANDARD_NO_PAD.encode([7; 16]), STANDARD_NO_PAD.encode(ours));
        for hash in [DECOMPOSED, &ours] {
            let verdict = hasher.verify(PlainPassword::new(typed), Some(PasswordHash::new(hash)));
            assert_eq!(verdict.await.unwrap(), Verdict::Outdated, "{hash}");
            assert!(!is_right("cafe\u{301} noir 85", Some(hash)).await, "{hash}");
        }
    }

    /// better-auth 1.7's `hashPassword("ｃａｆｅ\u0301 kdjf84jfKKd")`, which hashes the NFKC form.
    #[tokio::test]
    async fn a_hash_of_the_composed_form_is_verified_however_the_password_is_typed() {
        let hash = "6636fb91cae038dd1c808e643dddbaeb:d089fe3cba0e2c99066fbc7f37fc1e16f06ddc41d4c0e763878fde465f6f5af6a3a5bf012b37e775e46211a3497216df32e9d050ac47e3c0a064ead8699c5c02";
        for typed in ["ｃａｆｅ\u{301} kdjf84jfKKd", "caf\u{e9} kdjf84jfKKd"] {
            assert!(is_right(typed, Some(hash)).await, "{typed}");
        }
        assert!(!is_right("cafe kdjf84jfKKd", Some(hash)).await);
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
    async fn without_a_hash_no_password_is_right() {
        for password in ["", "kdjf84jfKKd"] {
            assert!(!is_right(password, None).await);
        }
    }

    #[tokio::test]
    async fn an_unknown_user_costs_as_much_work_as_a_known_one() {
        let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        let hash =
            Hasher::default().hash(PlainPassword::new("kdjf84jfKKd"), [7; 16]).await.unwrap();
        assert_eq!(parameters(DUMMY), parameters(hash.expose()));
    }
}
