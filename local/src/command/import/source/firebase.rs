//! The JSON of `firebase auth:export`, with the parameters of the hashes of its project.

use std::collections::HashMap;
use std::path::Path;

use accounts::crypto::Hasher;
use accounts::model::{PasswordHash, Record};
use serde_json::{Map, Value};

use super::fields::{Layout, Target};
use super::table::TableFormat;
use crate::command::import::{InputError, Reject};

const LAYOUT: Layout = &[
    (Target::LegacyId, &["localId"]),
    (Target::Email, &["email"]),
    (Target::IsVerified, &["emailVerified"]),
    (Target::Name, &["displayName"]),
    (Target::IsDisabled, &["disabled"]),
    (Target::CreatedAt, &["createdAt"]),
    (Target::LastLogin, &["lastSignedInAt", "lastLoginAt"]),
];

/// The export of a Firebase project with these hash parameters.
#[derive(Debug)]
pub(super) struct Firebase {
    config: Option<HashConfig>,
}

/// `hash_config` of the console.
#[derive(Debug)]
struct HashConfig {
    signer_key: String,
    salt_separator: String,
    rounds: String,
    mem_cost: String,
}

impl Firebase {
    /// Reads the parameters from a file with the text that the console shows.
    pub(super) fn new(config: Option<&Path>) -> Result<Self, InputError> {
        let Some(path) = config else { return Ok(Self { config: None }) };
        let config = HashConfig::parse(&std::fs::read_to_string(path)?);
        // A hash has the length of the key, so the key itself can stand for a hash in this check.
        let is_usable =
            |config: &HashConfig| Hasher::can_verify(&config.hash("AAAA", &config.signer_key));
        if let Some(config) = config.filter(is_usable) {
            return Ok(Self { config: Some(config) });
        }
        let text =
            "The file of --hash-config has not the parameters that the Firebase console shows.";
        Err(InputError::Malformed { line: 1, text: text.to_owned() })
    }
}

impl HashConfig {
    /// Reads `base64_signer_key: …,` and the others.
    fn parse(text: &str) -> Option<Self> {
        let is_around = |c: char| c.is_whitespace() || matches!(c, '"' | ',');
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let all: HashMap<&str, &str> = lines
            .map(|(name, value)| (name.trim_matches(is_around), value.trim_matches(is_around)))
            .collect();
        let one = |name: &str| all.get(name).map(|value| standard(value));
        Some(Self {
            signer_key: one("base64_signer_key")?,
            salt_separator: one("base64_salt_separator")?,
            rounds: one("rounds")?,
            mem_cost: one("mem_cost")?,
        })
    }

    /// The hash with all parameters that its verification needs.
    fn hash(&self, salt: &str, hash: &str) -> PasswordHash {
        let Self { signer_key, salt_separator, rounds, mem_cost } = self;
        let (salt, hash) = (standard(salt), standard(hash));
        PasswordHash::new(format!(
            "$fbscrypt$v=1,n={mem_cost},r={rounds},p=1,ss={salt_separator},sk={signer_key}${salt}${hash}"
        ))
    }
}

/// Turns Base64 for URLs into standard Base64.
fn standard(base64: &str) -> String {
    base64.replace('-', "+").replace('_', "/")
}

impl TableFormat for Firebase {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    /// An export leaves out empty attributes, so an object needs its id only.
    fn required(&self) -> &'static [Target] {
        &[Target::LegacyId]
    }

    fn wrapper(&self) -> Option<&'static str> {
        Some("users")
    }

    fn finish(&self, row: &Map<String, Value>, record: &mut Record) -> Result<(), Reject> {
        let of = |name: &str| row.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        let (Some(hash), Some(salt)) = (of("passwordHash"), of("salt")) else { return Ok(()) };
        let Some(config) = &self.config else {
            let text =
                "A hash of Firebase needs the parameters of its project: --hash-config FILE.";
            return Err(Reject { code: "no_hash_config", text: text.to_owned() });
        };
        record.password = Some(config.hash(salt, hash));
        Ok(())
    }
}
