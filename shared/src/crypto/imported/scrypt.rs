//! The forms of scrypt: Django's, better-auth's, and Firebase's own.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{
    MAX_HASH_BYTES, MAX_MEMORY_BYTES, MAX_PASSES, Unusable, check_length, decoded, number, text,
};

/// The most bytes of Firebase's signer key. Those of Firebase have 64.
const MAX_SIGNER_KEY_BYTES: usize = 256;

/// The cost parameters: `n` is two to the power of `log_n`.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) log_n: u32,
    pub(super) r: u32,
    pub(super) p: u32,
}

impl Cost {
    fn params(self) -> Result<scrypt::Params, Unusable> {
        let Self { log_n, r, p } = self;
        let memory = 128_u64.saturating_mul(r.into()).saturating_mul(2_u64.saturating_pow(log_n));
        if memory > MAX_MEMORY_BYTES || p > MAX_PASSES {
            return Err(Unusable::Absurd);
        }
        let log_n = u8::try_from(log_n).map_err(|_| Unusable::Absurd)?;
        scrypt::Params::new(log_n, r, p).map_err(|_| Unusable::Unknown)
    }
}

/// A hash of scrypt.
pub(super) struct Scrypt {
    params: scrypt::Params,
    salt: Vec<u8>,
    derived: Vec<u8>,
}

impl Scrypt {
    pub(super) fn new(cost: Cost, salt: &[u8], derived: Vec<u8>) -> Result<Self, Unusable> {
        if derived.len() > MAX_HASH_BYTES {
            return Err(Unusable::Absurd);
        }
        let params = cost.params()?;
        check_length(&derived)?;
        Ok(Self { params, salt: salt.to_vec(), derived })
    }

    /// `<n>$<salt>$<r>$<p>$<hash>`
    pub(super) fn of_django(rest: &str) -> Result<Self, Unusable> {
        let mut parts = rest.split('$');
        let n: u64 = number(parts.next())?;
        let salt = text(parts.next())?;
        let (r, p) = (number(parts.next())?, number(parts.next())?);
        let derived = decoded(parts.next())?;
        if !n.is_power_of_two() {
            return Err(Unusable::Unknown);
        }
        Self::new(Cost { log_n: n.ilog2(), r, p }, salt.as_bytes(), derived)
    }

    /// better-auth's `<salt>:<hash>`, both in hexadecimal digits. The salt is the text of its digits, not what they
    /// stand for, and the cost is always the same. better-auth hashes the NFKC form of a password.
    pub(super) fn of_better_auth(hash: &str) -> Result<Self, Unusable> {
        let (salt, derived) = hash.split_once(':').ok_or(Unusable::Unknown)?;
        let (Some(_), Some(derived)) = (hex::<16>(salt), hex::<64>(derived)) else {
            return Err(Unusable::Unknown);
        };
        Self::new(Cost { log_n: 14, r: 16, p: 1 }, salt.as_bytes(), derived.to_vec())
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, Unusable> {
        let derived = derive(&self.params, password, &self.salt, self.derived.len())?;
        Ok(verify_slices_are_equal(&derived, &self.derived).is_ok())
    }
}

/// A hash of Firebase's scrypt (github.com/firebase/scrypt). It derives a key, and encrypts the project's signer key with
/// AES-256 in counter mode. So the password is right if the hash decrypts to the signer key.
pub(super) struct Firebase {
    params: scrypt::Params,
    signer_key: Vec<u8>,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Firebase {
    /// `fbscrypt$v=1,n=<log n>,r=<rounds>,p=1,ss=<salt separator>,sk=<signer key>$<salt>$<hash>`: Supabase keeps hashes of
    /// Firebase in this form, too.
    pub(super) fn parse(rest: &str) -> Result<Self, Unusable> {
        let mut parts = rest.split('$').skip(1);
        let parameters = text(parts.next())?;
        let parameter = |name: &str| {
            let mut all = parameters.split(',').filter_map(|parameter| parameter.split_once('='));
            all.find_map(|(key, value)| (key == name).then_some(value))
        };
        if parameter("v") != Some("1") {
            return Err(Unusable::Unknown);
        }
        let [log_n, r, p] = ["n", "r", "p"].map(|name| number(parameter(name)));
        let params = Cost { log_n: log_n?, r: r?, p: p? }.params()?;
        let signer_key = decoded(parameter("sk"))?;
        let (mut salt, hash) = (decoded(parts.next())?, decoded(parts.next())?);
        let separator = STANDARD.decode(parameter("ss").unwrap_or_default());
        salt.extend(separator.map_err(|_| Unusable::Unknown)?);
        if signer_key.len() > MAX_SIGNER_KEY_BYTES {
            return Err(Unusable::Absurd);
        }
        check_length(&hash)?;
        if hash.len() != signer_key.len() {
            return Err(Unusable::Unknown);
        }
        Ok(Self { params, signer_key, salt, hash })
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, Unusable> {
        let key = derive(&self.params, password, &self.salt, 32)?;
        let key = UnboundCipherKey::new(&AES_256, &key).and_then(DecryptingKey::ctr);
        // The counter begins at zero.
        let counter = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        let mut hash = self.hash.clone();
        let decrypted = key.and_then(|key| key.decrypt(&mut hash, counter));
        let decrypted = decrypted.map_err(|_| Unusable::Unknown)?;
        Ok(verify_slices_are_equal(decrypted, &self.signer_key).is_ok())
    }
}

fn derive(
    params: &scrypt::Params,
    password: &[u8],
    salt: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let mut derived = Zeroizing::new(vec![0; length]);
    scrypt::scrypt(password, salt, params, &mut derived).map_err(|_| Unusable::Unknown)?;
    Ok(derived)
}

fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(value(high)? << 4 | value(low)?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes?.try_into().ok()
}
