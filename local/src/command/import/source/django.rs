//! `dumpdata` of Django, as JSON or JSON lines: users of `auth.User` or of another model, with their `UserStatus` of
//! django-graphql-auth, their `EmailAddress` of django-allauth, and their second factors.
//!
//! In a dump, the objects of a user may come before or after the user. So the import reads the dump twice. The first
//! pass notes the position of each status, address, device and token, in 16 bytes for each. The second pass reads the
//! users, and goes back to the objects of each user.

use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use accounts::model::{Email, Record};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::SourceOptions;
use super::django_factors::{self, TOKEN, is_factor, token_key};
use super::fields::{Layout, Mapping, Target};
use super::json::{Elements, MAX_BYTES};
use super::rows;
use crate::command::import::{Entry, InputError, Records, Reject};

/// The model of Django.
const USER: &str = "auth.user";
/// Models with the status of a user. The second one belongs to a fork of the first library.
const STATUS: [&str; 2] = ["graphql_auth.userstatus", "gqlauth.userstatus"];
const ADDRESS: &str = "account.emailaddress";
/// How many models an error names.
const MAX_NAMED: usize = 20;

const LAYOUT: Layout = &[
    (Target::LegacyId, &["pk"]),
    (Target::Username, &["username"]),
    (Target::Email, &["email"]),
    (Target::Password, &["password"]),
    (Target::FirstName, &["first_name"]),
    (Target::LastName, &["last_name"]),
    (Target::IsActive, &["is_active"]),
    (Target::IsStaff, &["is_staff"]),
    (Target::IsSuperuser, &["is_superuser"]),
    (Target::CreatedAt, &["date_joined"]),
    (Target::LastLogin, &["last_login"]),
];

/// The model of an element, and its owner.
#[derive(Deserialize)]
struct Head {
    model: String,
    #[serde(default)]
    fields: Owner,
}

#[derive(Default, Deserialize)]
struct Owner {
    #[serde(default)]
    user: Value,
    #[serde(default)]
    device: Value,
}

/// A user.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    pk: Value,
    fields: Map<String, Value>,
}

/// A status, an address, a device, or a token of one.
#[derive(Deserialize)]
struct Extra {
    model: String,
    #[serde(default)]
    pk: Value,
    fields: Value,
}

#[derive(Deserialize)]
struct Status {
    verified: bool,
    #[serde(default)]
    archived: bool,
    secondary_email: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    verified: bool,
    primary: bool,
}

/// Opens a dump. If the dump is truncated, objects of users may be missing. So the import refuses it before it imports
/// the first user.
pub(super) fn open(path: &Path, options: &SourceOptions) -> Result<Records, InputError> {
    let model = options.user_model.as_deref().unwrap_or(USER).to_lowercase();
    let extras = Extras::find(path, &model)?;
    let mapping = Mapping::new(LAYOUT, &options.map);
    let says_verified = mapping.columns(Target::IsVerified).next().is_some();
    let assumes_verified = options.assume_verified && !extras.say_verified && !says_verified;
    let mut users = Users { mapping, extras, assumes_verified, options: options.clone() };
    Ok(Box::new(elements(path)?.filter_map(move |element| {
        let element = match element {
            Ok(element) => element,
            Err(broken) => return Some(Err(broken)),
        };
        let record = match element.read::<Head>() {
            Ok(head) if head.model != model => return None,
            Ok(_) => element.read().and_then(|user| users.record(user)),
            Err(reject) => Err(reject),
        };
        let has_lost_factors = record.as_ref().is_ok_and(|(_, has_lost_factors)| *has_lost_factors);
        let record = record.map(|(record, _)| record);
        Some(Ok(Entry { line: element.position, record, has_lost_factors }))
    })))
}

fn elements(path: &Path) -> Result<Elements<BufReader<File>>, InputError> {
    let rows::OpenInput { input, framing, read, lines } = rows::open(path, None)?;
    let text = "The input is no JSON. Dump it with --format json or jsonl.";
    let other = InputError::Malformed { line: 1, text: text.to_owned() };
    Ok(Elements::new(input, framing.ok_or(other)?, read, lines))
}

struct Users {
    mapping: Mapping,
    extras: Extras,
    /// Whether all addresses count as verified, because the dump does not show which ones are.
    assumes_verified: bool,
    options: SourceOptions,
}

impl Users {
    /// The record of a user, and whether it lacks second factors that the user has.
    fn record(&mut self, Object { pk, mut fields }: Object) -> Result<(Record, bool), Reject> {
        // With --natural-primary, a user has no `pk`.
        fields.insert("pk".to_owned(), pk.clone());
        let mut record = self.mapping.record(&fields)?;
        record.is_verified |= self.assumes_verified;
        // With --natural-foreign, the key is a list with one element: the name by which the user logs in.
        let names = [&record.username, &record.email].into_iter().flatten();
        let names = names.map(|name| Value::from(vec![name.as_str()]));
        let keys: Vec<Value> = [pk.clone()].into_iter().chain(names).collect();
        let (mut addresses, mut devices) = (Vec::new(), Vec::new());
        for key in keys.iter().filter(|key| !key.is_null()) {
            for Extra { model, pk, fields } in self.extras.of(key)? {
                let damaged = |_| Reject::malformed(format!("The {model} of the user is damaged."));
                if is_factor(&model) {
                    devices.push(django_factors::Object { model, pk, fields, tokens: Vec::new() });
                } else if model == ADDRESS {
                    addresses.push(serde_json::from_value(fields).map_err(damaged)?);
                } else {
                    let status: Status = serde_json::from_value(fields).map_err(damaged)?;
                    record.is_verified |= status.verified;
                    record.is_archived |= status.archived;
                    record.secondary_email = status.secondary_email;
                }
            }
        }
        add_addresses(&mut record, &addresses);
        for device in devices.iter_mut().filter(|device| device.has_tokens()) {
            let tokens = self.extras.of(&token_key(&device.pk))?;
            device.tokens = tokens.into_iter().map(|token| token.fields).collect();
        }
        let has_lost_factors = self.add_factors(&mut record, &pk, &devices)?;
        Ok((record, has_lost_factors))
    }

    /// Adds the second factors of a user. Returns whether some of them are lost. Without the permission of the
    /// operator, a lost factor is an error, because the password alone would open the account.
    fn add_factors(
        &self,
        record: &mut Record,
        pk: &Value,
        devices: &[django_factors::Object],
    ) -> Result<bool, Reject> {
        let django_factors::ImportedFactors { factors, faults } =
            django_factors::read(pk, devices, &self.options)?;
        record.second_factors = factors;
        if !self.options.drop_second_factors {
            let code = "second_factors: unsupported";
            let text = faults.join(" ");
            return if faults.is_empty() { Ok(false) } else { Err(Reject { code, text }) };
        }
        // The factors of a user with an unverified address may belong to a stranger.
        let unproven = record.second_factors.take_if(|_| !record.is_verified);
        Ok(!faults.is_empty() || unproven.is_some())
    }
}

/// Adds what allauth knows about the addresses of a user.
fn add_addresses(record: &mut Record, addresses: &[Address]) {
    let key = |address: &str| {
        Email::parse(address).map_or_else(|_| address.to_owned(), |email| email.key().to_owned())
    };
    if record.email.as_ref().is_none_or(String::is_empty) {
        record.email =
            addresses.iter().find(|own| own.primary).map(|primary| primary.email.clone());
    }
    let first = record.email.as_deref().map(key);
    let is_first = |address: &Address| Some(key(&address.email)) == first;
    let mut proven = addresses.iter().filter(|address| address.verified);
    record.is_verified |= proven.clone().any(is_first);
    if record.secondary_email.is_none() {
        let second = proven.find(|address| !is_first(address));
        record.secondary_email = second.map(|address| address.email.clone());
    }
}

/// The positions of the statuses, addresses and devices of a dump.
struct Extras {
    file: File,
    /// A digest of the key of the user or the device, and the offset: in order, and 16 bytes for each.
    places: Vec<(u64, u64)>,
    /// Whether one of them shows which addresses are verified.
    say_verified: bool,
}

impl Extras {
    /// The first pass.
    fn find(path: &Path, user_model: &str) -> Result<Self, InputError> {
        let (mut places, mut others) = (Vec::new(), BTreeSet::new());
        let (mut has_users, mut say_verified) = (false, false);
        for element in elements(path)? {
            let element = element?;
            // The second pass reports damaged elements.
            let Ok(Head { model, fields }) = element.read() else { continue };
            has_users |= model == user_model;
            say_verified |= model == ADDRESS || STATUS.contains(&&*model);
            if let Some(owner) = owner(&model, &fields.user, &fields.device) {
                places.push((digest(&owner), element.offset));
            } else if others.len() < MAX_NAMED {
                others.insert(model);
            }
        }
        if !has_users {
            let others: Vec<String> = others.into_iter().collect();
            let text = format!(
                "The dump has no {user_model}. --user-model names another model. It has: {}",
                others.join(", ")
            );
            return Err(InputError::Malformed { line: 1, text });
        }
        places.sort_unstable();
        places.shrink_to_fit();
        Ok(Self { file: File::open(path)?, places, say_verified })
    }

    /// The objects of a user, or of a device.
    fn of(&mut self, key: &Value) -> Result<Vec<Extra>, Reject> {
        let digest = digest(key);
        let start = self.places.partition_point(|(own, _)| *own < digest);
        let places = self.places[start..].iter().take_while(|(own, _)| *own == digest);
        let mut found = Vec::new();
        for (_, offset) in places {
            let extra = read_at(&mut self.file, *offset);
            let extra = extra.ok_or_else(|| {
                Reject::malformed("The input has changed while it was read.".to_owned())
            })?;
            let field = |name| extra.fields.get(name).unwrap_or(&Value::Null);
            if owner(&extra.model, field("user"), field("device")).as_ref() == Some(key) {
                found.push(extra);
            }
        }
        Ok(found)
    }
}

/// The key of the owner of an object; `None` for a model that the import does not read.
fn owner(model: &str, user: &Value, device: &Value) -> Option<Value> {
    if model == TOKEN {
        return Some(token_key(device));
    }
    (model == ADDRESS || STATUS.contains(&model) || is_factor(model)).then(|| user.clone())
}

fn read_at(file: &mut File, offset: u64) -> Option<Extra> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let input = BufReader::with_capacity(1024, file.take(most));
    serde_json::Deserializer::from_reader(input).into_iter().next()?.ok()
}

/// A digest of a key. The same key has the same digest in each run of the program. Other keys may have this digest,
/// too.
fn digest(key: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The records of a dump, or why it is broken.
    fn read(dump: &[u8], options: &SourceOptions) -> Result<Vec<Entry>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.json");
        std::fs::write(&path, dump).unwrap();
        let records = open(&path, options).map_err(|broken| broken.to_string())?;
        Ok(records.map(Result::unwrap).collect())
    }

    fn user(pk: &Value, name: &str) -> Value {
        let email = format!("{name}@example.com");
        json!({"model": "auth.user", "pk": pk, "fields": {"username": name, "email": email}})
    }

    fn status(user: &Value, verified: bool) -> Value {
        json!({"model": "graphql_auth.userstatus", "pk": 1, "fields": {
            "user": user, "verified": verified, "archived": false, "secondary_email": null,
        }})
    }

    fn address(user: &Value, email: &str, verified: bool, primary: bool) -> Value {
        json!({"model": "account.emailaddress", "pk": 1, "fields": {
            "user": user, "email": email, "verified": verified, "primary": primary,
        }})
    }

    fn records(dump: &[Value]) -> Vec<Record> {
        let found = read(&serde_json::to_vec(dump).unwrap(), &SourceOptions::default()).unwrap();
        found.into_iter().map(|entry| entry.record.unwrap()).collect()
    }

    #[test]
    fn statuses_and_addresses_come_to_their_users_in_each_order() {
        let (one, two, ten) = (json!(1), json!("1"), json!("a8098c1a-f86e-11da-bd1a-00112444be1e"));
        let mut dump = vec![
            user(&one, "ann"),
            status(&two, true),
            user(&ten, "cem"),
            address(&ten, "Cem@EXAMPLE.com", true, true),
            status(&one, false),
            address(&ten, "second@example.com", true, false),
            user(&two, "bob"),
            status(&json!(null), true),
        ];
        for _ in 0..dump.len() {
            dump.rotate_left(1);
            let mut found = records(&dump);
            found.sort_by(|a, b| a.username.cmp(&b.username));
            let verified: Vec<_> = found.iter().map(|record| record.is_verified).collect();
            assert_eq!(verified, [false, true, true]);
            let second = found.iter().map(|record| record.secondary_email.as_deref());
            assert_eq!(second.collect::<Vec<_>>(), [None, None, Some("second@example.com")]);
        }
    }

    #[test]
    fn an_address_that_is_not_the_users_own_proves_nothing() {
        let one = json!(1);
        for other in [
            address(&one, "other@example.com", false, true),
            address(&one, "ann@example.com", false, true),
            address(&json!(2), "ann@example.com", true, true),
            address(&json!(["bob"]), "ann@example.com", true, true),
        ] {
            let found = records(&[user(&one, "ann"), other.clone()]);
            assert!(!found[0].is_verified && found[0].secondary_email.is_none(), "{other}");
        }
        let other = address(&one, "other@example.com", true, true);
        let found = records(&[user(&one, "ann"), other]);
        assert!(!found[0].is_verified, "the address of the user is another one");
    }

    #[test]
    fn addresses_count_as_proven_only_where_no_user_has_a_status() {
        let options = SourceOptions { assume_verified: true, ..SourceOptions::default() };
        let one = json!(1);
        for (dump, is_verified) in [
            (vec![user(&one, "ann")], true),
            (vec![user(&one, "ann"), status(&json!(2), true)], false),
            (vec![user(&one, "ann"), address(&one, "ann@example.com", false, true)], false),
        ] {
            let found = read(&serde_json::to_vec(&dump).unwrap(), &options).unwrap();
            assert_eq!(found[0].record.as_ref().unwrap().is_verified, is_verified);
            let found = records(&dump);
            assert!(!found[0].is_verified);
        }
    }

    #[test]
    fn a_damaged_element_costs_one_record() {
        let dump = br#"[{"model": "auth.user", "pk": 1, "fields": {"username": 5}},
            {"model": "auth.user", "pk": 2}, [1], {"model": "auth.user", "pk": 3, "fields": {"email": "~"}},
            {"model": "auth.user", "pk": 4, "fields": {"username": "ann", "last_login": "secret"}},
            {"model": "auth.user", "pk": 6, "fields": {"username": "bob"}},
            {"model": "graphql_auth.userstatus", "pk": 1, "fields": {"user": 6, "verified": "secret"}},
            {"model": "auth.user", "pk": 5, "fields": {"username": "cem"}}]"#;
        let dump: Vec<u8> =
            dump.iter().map(|byte| if *byte == b'~' { 0xff } else { *byte }).collect();
        let found = read(&dump, &SourceOptions::default()).unwrap();
        let lines = found.iter().map(|entry| (entry.line, entry.record.is_ok()));
        let bad = [1, 2, 3, 4, 5, 6].map(|line| (line, false));
        assert_eq!(
            lines.collect::<Vec<_>>(),
            bad.into_iter().chain([(8, true)]).collect::<Vec<_>>()
        );
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
    }

    #[test]
    fn a_dump_that_was_cut_short_is_refused_before_its_first_user() {
        let dump =
            serde_json::to_string(&[user(&json!(1), "ann"), user(&json!(2), "bob")]).unwrap();
        for length in 0..dump.len() {
            let cut = read(&dump.as_bytes()[..length], &SourceOptions::default());
            assert!(cut.is_err(), "{length}");
        }
    }

    #[test]
    fn a_dump_without_the_model_names_those_that_it_has() {
        let options =
            SourceOptions { user_model: Some("Members.Member".into()), ..SourceOptions::default() };
        let dump = serde_json::to_vec(&[user(&json!(1), "ann")]).unwrap();
        let error = read(&dump, &options).unwrap_err();
        assert!(error.contains("members.member") && error.contains("auth.user"), "{error}");
        for other in ["<?xml version=\"1.0\"?>", "- model: auth.user", "model,pk\nauth.user,1"] {
            assert!(read(other.as_bytes(), &SourceOptions::default()).is_err(), "{other}");
        }
    }
}
