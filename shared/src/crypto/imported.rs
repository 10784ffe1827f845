//! Password hashes that other systems made: verified once more, at the log-in that replaces them.
//!
//! Django's forms are those of `django.contrib.auth.hashers`; beside them, plain bcrypt strings, PHC strings of Argon2,
//! scrypt and PBKDF2, and the scrypt of better-auth and of Firebase.

mod scrypt;

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use aws_lc_rs::digest;
use aws_lc_rs::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

use scrypt::{Cost, Firebase, Scrypt};

/// Django 6 hashes with 1.2 million iterations.
const MAX_PBKDF2_ITERATIONS: u32 = 4_000_000;
/// About two and a half seconds of work.
const MAX_BCRYPT_COST: u32 = 15;
/// The memory of a function. Django's Argon2 takes 100 MiB.
const MAX_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// The most passes of Argon2, or lanes of scrypt.
const MAX_PASSES: u32 = 10;

/// The fewest bytes of a hash. All systems store more. A hash that was cut short, by a narrow column or a bad import, is
/// matched by many passwords: one byte is matched by one password in 256.
const MIN_HASH_BYTES: usize = 16;
/// The most bytes of a hash.
const MAX_HASH_BYTES: usize = 64;

/// Why a hash cannot be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// No form that is known, or a damaged one.
    #[error("the stored password hash is of no known form")]
    Unknown,
    /// Verifying would cost absurdly much: refused, not computed.
    #[error("the stored password hash has absurd parameters")]
    Absurd,
}

/// Whether the password is the one that was hashed, by us or elsewhere.
pub(super) fn verify(password: &[u8], hash: &str) -> Result<bool, Unusable> {
    Imported::parse(hash)?.verify(password)
}

/// Whether [`verify`] could verify a password with that hash. Nothing is hashed.
pub(super) fn check(hash: &str) -> Result<(), Unusable> {
    Imported::parse(hash).map(drop)
}

/// A hash of a known form, whose cost is bounded.
enum Imported {
    Pbkdf2 {
        algorithm: Algorithm,
        iterations: NonZeroU32,
        salt: Vec<u8>,
        derived: Vec<u8>,
    },
    Scrypt(Scrypt),
    Firebase(Firebase),
    /// The whole string.
    Bcrypt(String),
    /// The same, of the SHA-256 of a password, in hexadecimal digits.
    BcryptOfDigest(String),
    /// The PHC string.
    Argon2(String),
}

impl Imported {
    fn parse(hash: &str) -> Result<Self, Unusable> {
        match hash.split_once('$') {
            Some(("pbkdf2_sha256", rest)) => pbkdf2_of_django(PBKDF2_HMAC_SHA256, rest),
            Some(("pbkdf2_sha1", rest)) => pbkdf2_of_django(PBKDF2_HMAC_SHA1, rest),
            Some(("bcrypt_sha256", rest)) => bcrypt(rest).map(Self::BcryptOfDigest),
            Some(("bcrypt", rest)) => bcrypt(rest).map(Self::Bcrypt),
            Some(("scrypt", rest)) => Scrypt::of_django(rest).map(Self::Scrypt),
            Some(("argon2", rest)) => argon2(format!("${rest}")),
            Some(("", rest)) if rest.starts_with("argon2") => argon2(hash.to_owned()),
            Some(("", rest)) if rest.starts_with('2') => bcrypt(hash).map(Self::Bcrypt),
            Some(("", rest)) if rest.starts_with("fbscrypt$") => {
                Firebase::parse(rest).map(Self::Firebase)
            }
            Some(("", _)) => phc(hash),
            Some(_) => Err(Unusable::Unknown),
            None => Scrypt::of_better_auth(hash).map(Self::Scrypt),
        }
    }

    fn verify(&self, password: &[u8]) -> Result<bool, Unusable> {
        match self {
            Self::Pbkdf2 { algorithm, iterations, salt, derived } => {
                Ok(pbkdf2::verify(*algorithm, *iterations, salt, password, derived).is_ok())
            }
            Self::Scrypt(scrypt) => scrypt.verify(password),
            Self::Firebase(firebase) => firebase.verify(password),
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).map_err(|_| Unusable::Unknown),
            Self::BcryptOfDigest(hash) => {
                bcrypt::verify(hex_sha256(password), hash).map_err(|_| Unusable::Unknown)
            }
            Self::Argon2(phc) => match Argon2::default().verify_password(password, phc.as_str()) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(_) => Err(Unusable::Unknown),
            },
        }
    }
}

/// `<iterations>$<salt>$<hash>`
fn pbkdf2_of_django(algorithm: Algorithm, rest: &str) -> Result<Imported, Unusable> {
    let mut parts = rest.split('$');
    let iterations = number(parts.next())?;
    let (salt, derived) = (text(parts.next())?, decoded(parts.next())?);
    pbkdf2(algorithm, iterations, salt.as_bytes(), derived)
}

/// `$pbkdf2-sha256$i=…` and `$scrypt$ln=…,r=…,p=…`
fn phc(phc: &str) -> Result<Imported, Unusable> {
    let parsed = PasswordHash::new(phc).map_err(|_| Unusable::Unknown)?;
    let (Some(salt), Some(derived)) = (&parsed.salt, &parsed.hash) else {
        return Err(Unusable::Unknown);
    };
    let (salt, derived) = (salt.as_ref(), derived.as_ref().to_vec());
    let number = |name: &str| parsed.params.get_decimal(name).ok_or(Unusable::Unknown);
    match parsed.algorithm.as_str() {
        "pbkdf2-sha256" => {
            let iterations = NonZeroU32::new(number("i")?).ok_or(Unusable::Unknown)?;
            pbkdf2(PBKDF2_HMAC_SHA256, iterations, salt, derived)
        }
        "scrypt" => {
            let cost = Cost { log_n: number("ln")?, r: number("r")?, p: number("p")? };
            Scrypt::new(cost, salt, derived).map(Imported::Scrypt)
        }
        _ => Err(Unusable::Unknown),
    }
}

fn pbkdf2(
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: &[u8],
    derived: Vec<u8>,
) -> Result<Imported, Unusable> {
    if iterations.get() > MAX_PBKDF2_ITERATIONS || derived.len() > MAX_HASH_BYTES {
        return Err(Unusable::Absurd);
    }
    check_length(&derived)?;
    Ok(Imported::Pbkdf2 { algorithm, iterations, salt: salt.to_vec(), derived })
}

/// `$2b$<cost>$<salt and hash>`; of a long password, bcrypt reads the first 72 bytes.
fn bcrypt(hash: &str) -> Result<String, Unusable> {
    let cost: u32 = number(hash.split('$').nth(2))?;
    if cost > MAX_BCRYPT_COST {
        return Err(Unusable::Absurd);
    }
    let parts: Result<bcrypt::HashParts, _> = hash.parse();
    parts.map(|_| hash.to_owned()).map_err(|_| Unusable::Unknown)
}

fn argon2(phc: String) -> Result<Imported, Unusable> {
    let parsed = PasswordHash::new(&phc).map_err(|_| Unusable::Unknown)?;
    let (Some(_), Some(derived)) = (&parsed.salt, &parsed.hash) else {
        return Err(Unusable::Unknown);
    };
    check_length(derived.as_ref())?;
    let params = Params::try_from(&parsed).map_err(|_| Unusable::Unknown)?;
    let memory = u64::from(params.m_cost()) * 1024;
    if memory > MAX_MEMORY_BYTES || params.t_cost() > MAX_PASSES || params.p_cost() > 16 {
        return Err(Unusable::Absurd);
    }
    if !matches!(parsed.algorithm.as_str(), "argon2d" | "argon2i" | "argon2id") {
        return Err(Unusable::Unknown);
    }
    Ok(Imported::Argon2(phc))
}

fn check_length(hash: &[u8]) -> Result<(), Unusable> {
    if hash.len() < MIN_HASH_BYTES { Err(Unusable::Unknown) } else { Ok(()) }
}

fn hex_sha256(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let digest = digest::digest(&digest::SHA256, password);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    Zeroizing::new(hex.collect::<Vec<_>>().concat().into_bytes())
}

fn text(part: Option<&str>) -> Result<&str, Unusable> {
    part.ok_or(Unusable::Unknown)
}

fn number<T: std::str::FromStr>(part: Option<&str>) -> Result<T, Unusable> {
    text(part)?.parse().map_err(|_| Unusable::Unknown)
}

fn decoded(part: Option<&str>) -> Result<Vec<u8>, Unusable> {
    STANDARD.decode(text(part)?).ok().filter(|hash| !hash.is_empty()).ok_or(Unusable::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Django's `make_password("kdjf84jfKKd", hasher=…)`; Django 5.2.
    const MADE_BY_DJANGO: &[&str] = &[
        "pbkdf2_sha256$1000000$mjnC1AKhFWyB7faGKyUrOM$SmxZrdgX8357Mtl3dtQ6O5gW973eq2j+Wg5DSBFxNnE=",
        "pbkdf2_sha1$1000000$6ggRzlgC9JahPKQhjgUQcY$556RfYkSrLs4l7QpM+PeyG4JlME=",
        "bcrypt_sha256$$2b$12$weitAaW8mASZO/LJZMK66uRa1lE6WgYh.16bRRHBCIfCi5SRXyaxW",
        "bcrypt$$2b$12$aDrbY2fJPKZfWYrKh6tIt.UMZrDm17by7vQZGh3Ib7zA8G1SE7Hxy",
        "scrypt$16384$qlTKz7Ar8BHzs3qDgMPkQw$8$5$nHVGKPS8nHrZAgKZm/tmPOKG6dQlJUpMqE6DuuDYY1xE6khgFNQiBYQVsy1ZKezkN36RB9xC2oRIUlRRoxpWhA==",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$Vm5ZSFZHZHNGRlZyRkZ2SDZLVFczMg$ygfBNMSBVqHrm8mY099eX6e9QJxplv6dPUFI5j2qOmE",
    ];

    /// Made by Python's `bcrypt`, `argon2-cffi`, `passlib` and `hashlib`.
    const MADE_BY_OTHERS: &[&str] = &[
        "$scrypt$ln=14,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$wuAKNdrr+Ce9x5EfMqRftSj7WGIpet6n8lBQJpcEkYc",
        "$pbkdf2-sha256$i=600000,l=32$c2l4dGVlbiBieXRlcyBvaw$lu/FQqVdumH6dJ83bfMBlLAiynhVjSVny7fJdD4hnq4",
        "$2b$10$xClBscBx0q6S8Ay5PomVnOMiSZzEImJl6ypoH5Yt7cFRklnSZohV.",
        "$2a$10$A3RvhWURTMSqe8j3jHkGg.gr/yDT8ocbCPKecr6GPY2iV5nZTcXBe",
        "$argon2id$v=19$m=8192,t=1,p=2$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ",
        "$argon2i$v=19$m=8192,t=2,p=1$NkRlB2baNHTvGSeXq3y6MA$XfshX7tc7XKMwHuTPCCmhF1Mkg3sIAxifxYiDG1WGN4",
        // better-auth 1.7, which is in JavaScript.
        "0504168347d455f3fd984e1ad4f6e482:02ef59adf6cea39c3325571fd6f39bf8fdc57e3fdf7284a78db9e87154c7393c4335df69a9fd61967de14b719d22eac9e0cc756be80d5cd25c935eecc53e199f",
    ];

    #[test]
    fn hashes_of_other_systems_are_verified() {
        for hash in MADE_BY_DJANGO.iter().chain(MADE_BY_OTHERS) {
            assert_eq!(check(hash), Ok(()), "{hash}");
            assert_eq!(verify(b"kdjf84jfKKd", hash), Ok(true), "{hash}");
            assert_eq!(verify(b"kdjf84jfKKe", hash), Ok(false), "{hash}");
        }
    }

    /// The example of github.com/firebase/scrypt, in the form of Supabase; and one of the tests of supabase/auth.
    #[test]
    fn hashes_of_firebase_are_verified() {
        let known = [
            (
                "user1password",
                "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
            ),
            (
                "mytestpassword",
                "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
            ),
        ];
        for (password, hash) in known {
            assert_eq!(verify(password.as_bytes(), hash), Ok(true), "{hash}");
            assert_eq!(verify(b"kdjf84jfKKd", hash), Ok(false), "{hash}");
        }
    }

    #[test]
    fn parameters_that_cost_absurdly_much_are_refused_and_not_computed() {
        for hash in [
            "pbkdf2_sha256$4294967295$salt$AAAA",
            "scrypt$1073741824$salt$8$1$AAAA",
            "scrypt$16384$salt$8$4294967295$AAAA",
            "$scrypt$ln=40,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$wuAKNdrr+Ce9x5EfMqRftSj7WGIpet6n8lBQJpcEkYc",
            "$scrypt$ln=4000000000,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$wuAKNdrr+Ce9x5EfMqRftSj7WGIpet6n8lBQJpcEkYc",
            "$pbkdf2-sha256$i=4294967295$c2l4dGVlbiBieXRlcyBvaw$lu/FQqVdumH6dJ83bfMBlLAiynhVjSVny7fJdD4hnq4",
            "$fbscrypt$v=1,n=30,r=8,p=1,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
            "$fbscrypt$v=1,n=4,r=8,p=4294967295,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
            "$2b$31$C6UzMDM.H6dfI/f/IKcEeO7ZDXMLAWV6D.Y1CjSfzPgp7SFHzSIXe",
            "$argon2id$v=19$m=2097152,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
            "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
        ] {
            assert_eq!(check(hash), Err(Unusable::Absurd), "{hash}");
            assert_eq!(verify(b"kdjf84jfKKd", hash), Err(Unusable::Absurd), "{hash}");
        }
    }

    #[test]
    fn a_damaged_or_unknown_hash_is_refused() {
        for hash in [
            "",
            "!",
            "!unusable",
            "kdjf84jfKKd",
            "md5$salt$hash",
            "pbkdf2_sha256$",
            "pbkdf2_sha256$0$salt$AAAA",
            "pbkdf2_sha256$-1$salt$AAAA",
            "pbkdf2_sha256$1000$salt$",
            "pbkdf2_sha256$1000$salt$not base64",
            "scrypt$1000$salt$8$1$AAAA",
            "bcrypt$",
            "$2b$12$short",
            "$argon2id$v=19$m=19456",
            "$scrypt$ln=14,r=8,p=1",
            "$scrypt$ln=14$c2l4dGVlbiBieXRlcyBvaw$wuAKNdrr+Ce9x5EfMqRftSj7WGIpet6n8lBQJpcEkYc",
            "$pbkdf2-sha256$i=0$c2l4dGVlbiBieXRlcyBvaw$lu/FQqVdumH6dJ83bfMBlLAiynhVjSVny7fJdD4hnq4",
            "$sha256$i=1$c2l4dGVlbiBieXRlcyBvaw$lu/FQqVdumH6dJ83bfMBlLAiynhVjSVny7fJdD4hnq4",
            "argon2$argon2id$v=19",
            "$argon2x$v=19$m=8,t=1,p=1$Y2vBl7amkMmqWbZ/f7y8Tg$D75KBDKxrBP0KsxKIx0nyGspBWMXlkgbTHC83y453jQ",
            "$2b$12$weitAaW8mASZO/LJZMK66uRa1lE6WgYh.16bRRHBCIfCi5SRXyax!",
            "0504168347d455f3fd984e1ad4f6e482:",
            "0504168347d455f3fd984e1ad4f6e482:02ef59adf6cea39c3325571fd6f39bf8",
            "0504168347d455f3fd984e1ad4f6e48é:02ef59adf6cea39c3325571fd6f39bf8fdc57e3fdf7284a78db9e87154c7393c4335df69a9fd61967de14b719d22eac9e0cc756be80d5cd25c935eecc53e199f",
            "0504168347d455f3fd984e1ad4f6e482:g2ef59adf6cea39c3325571fd6f39bf8fdc57e3fdf7284a78db9e87154c7393c4335df69a9fd61967de14b719d22eac9e0cc756be80d5cd25c935eecc53e199f",
            "$fbscrypt$v=1,n=4,r=8,p=1",
            "$fbscrypt$v=2,n=4,r=8,p=1,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
            "$fbscrypt$v=1,n=4,r=8,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
            "$fbscrypt$v=1,n=4,r=8,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
            "$fbscrypt$v=1,n=4,r=8,p=1,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$",
            "$fbscrypt$v=1,n=4,r=8,p=1,sk=AAAA$AAAA$AAAA",
            "$fbscrypt$v=1,n=4,r=8,p=1,sk=AAAAAAAAAAAAAAAAAAAAAAAA$AAAA$AAAAAAAAAAAAAAAAAAAAAA==",
        ] {
            assert_eq!(check(hash), Err(Unusable::Unknown), "{hash}");
            assert_eq!(verify(b"kdjf84jfKKd", hash), Err(Unusable::Unknown), "{hash}");
        }
    }
}
