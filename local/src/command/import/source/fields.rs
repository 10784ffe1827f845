//! From the columns of another system to the fields of a record.

use std::borrow::Cow;
use std::str::FromStr;

use accounts::model::{BanRecord, Gender, Languages, PasswordHash, Record, Role};
use serde_json::{Map, Value};

use super::values::{self, Moment};
use crate::command::import::Reject;

/// A field of a user that a column can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    LegacyId,
    Username,
    Email,
    SecondaryEmail,
    IsVerified,
    Password,
    FirstName,
    LastName,
    /// First and last name in one column. The last word is the last name.
    Name,
    Gender,
    Position,
    Department,
    Locale,
    IsActive,
    IsDisabled,
    IsArchived,
    IsBanned,
    BanReason,
    BanEndsAt,
    IsStaff,
    IsSuperuser,
    Role,
    CreatedAt,
    LastLogin,
    /// Whether the other system has deleted the user. Some systems keep the row.
    DeletedAt,
}

impl Target {
    /// All fields, with the names by which an operator and a plain table know them.
    pub(super) const ALL: Layout = &[
        (Self::LegacyId, &["legacy_id"]),
        (Self::Username, &["username"]),
        (Self::Email, &["email"]),
        (Self::SecondaryEmail, &["secondary_email"]),
        (Self::IsVerified, &["is_verified"]),
        (Self::Password, &["password"]),
        (Self::FirstName, &["first_name"]),
        (Self::LastName, &["last_name"]),
        (Self::Name, &["name"]),
        (Self::Gender, &["gender"]),
        (Self::Position, &["position"]),
        (Self::Department, &["department"]),
        (Self::Locale, &["locale"]),
        (Self::IsActive, &["is_active"]),
        (Self::IsDisabled, &["is_disabled"]),
        (Self::IsArchived, &["is_archived"]),
        (Self::IsBanned, &["is_banned"]),
        (Self::BanReason, &["ban_reason"]),
        (Self::BanEndsAt, &["ban_ends_at"]),
        (Self::IsStaff, &["is_staff"]),
        (Self::IsSuperuser, &["is_superuser"]),
        (Self::Role, &["role"]),
        (Self::CreatedAt, &["created_at"]),
        (Self::LastLogin, &["last_login"]),
        (Self::DeletedAt, &["deleted_at"]),
    ];

    fn name(self) -> &'static str {
        let own = Self::ALL.iter().find(|(target, _)| *target == self);
        own.map_or("", |(_, names)| names[0])
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, names)| names.contains(&name)).map(|(target, _)| *target)
    }
}

/// The columns of a format: for each field, those that may have it, the best first.
pub(super) type Layout = &'static [(Target, &'static [&'static str])];

/// A column that the operator names, such as `username=login`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MappedField {
    target: Target,
    column: String,
}

impl MappedField {
    pub(super) fn column(&self) -> &str {
        &self.column
    }
}

impl FromStr for MappedField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, column) = text.split_once('=').ok_or("it is no FIELD=COLUMN")?;
        let (name, column) = (name.trim(), column.trim().to_owned());
        match Target::named(name) {
            Some(target) if !column.is_empty() => Ok(Self { target, column }),
            Some(_) => Err("the column has no name".to_owned()),
            None => {
                let known: Vec<_> = Target::ALL.iter().map(|(target, _)| target.name()).collect();
                Err(format!("the fields are {}", known.join(", ")))
            }
        }
    }
}

/// The columns of each field.
#[derive(Clone, Debug)]
pub(super) struct Mapping(Vec<(Target, Vec<Cow<'static, str>>)>);

impl Mapping {
    /// The layout, except where the operator names a column.
    pub(super) fn new(layout: Layout, mapped: &[MappedField]) -> Self {
        let is_mapped = |target| mapped.iter().any(|field| field.target == target);
        let layout = layout.iter().filter(|(target, _)| !is_mapped(*target));
        let layout = layout.map(|(target, columns)| {
            (*target, columns.iter().map(|column| Cow::from(*column)).collect())
        });
        let mapped = mapped.iter().map(|field| (field.target, vec![field.column.clone().into()]));
        Self(layout.chain(mapped).collect())
    }

    /// The columns of a field.
    pub(super) fn columns(&self, target: Target) -> impl Iterator<Item = &str> {
        let of_target = self.0.iter().filter(move |(own, _)| *own == target);
        of_target.flat_map(|(_, columns)| columns).map(Cow::as_ref)
    }

    /// The record of a row.
    pub(super) fn record(&self, row: &Map<String, Value>) -> Result<Record, Reject> {
        let mut draft = Draft::default();
        for (target, columns) in &self.0 {
            let found = columns.iter().find_map(|column| Some((column, value(row, column)?)));
            let Some((column, value)) = found else { continue };
            draft.set(*target, &value).map_err(|is_no| {
                let field = target.name();
                Reject::malformed(format!("`{column}` is no {is_no}, for the field {field}."))
            })?;
        }
        draft.finish()
    }
}

/// The value of a column, if it has one. `a.b` is also the attribute `b` of an object in the column `a`, or of a JSON
/// text of an object there.
fn value<'a>(row: &'a Map<String, Value>, column: &str) -> Option<Cow<'a, Value>> {
    let is_some = |value: &Value| !value.is_null() && value.as_str() != Some("");
    if let Some(value) = row.get(column) {
        return is_some(value).then_some(Cow::Borrowed(value));
    }
    let (outer, inner) = column.split_once('.')?;
    let outer = row.get(outer)?;
    if let Some(object) = outer.as_object() {
        return value(object, inner);
    }
    let object: Map<String, Value> = serde_json::from_str(outer.as_str()?).ok()?;
    value(&object, inner).map(|value| Cow::Owned(value.into_owned()))
}

/// An unfinished record, with the values that several columns decide together.
#[derive(Default)]
struct Draft {
    record: Record,
    is_banned: Option<bool>,
    ban_ends: Option<Moment>,
    ban_reason: String,
    is_staff: bool,
    is_superuser: bool,
    name: String,
    is_deleted: bool,
}

impl Draft {
    /// Sets a field. The error is the kind of value that the field needs.
    fn set(&mut self, target: Target, value: &Value) -> Result<(), &'static str> {
        let record = &mut self.record;
        let text = || values::text(value);
        match target {
            Target::LegacyId => record.legacy_id = Some(values::id(value)?),
            Target::Username => record.username = Some(text()?),
            Target::Email => record.email = Some(text()?),
            Target::SecondaryEmail => record.secondary_email = Some(text()?),
            Target::IsVerified => record.is_verified = values::flag(value)?,
            // In Django and Unix, a hash that starts with one of these signs matches no password.
            Target::Password => {
                let hash = text()?;
                record.password = (!hash.starts_with(['!', '*'])).then(|| PasswordHash::new(hash));
            }
            Target::FirstName => record.first_name = text()?,
            Target::LastName => record.last_name = text()?,
            Target::Name => self.name = text()?,
            // Other systems allow any text here. An unknown text gives no gender.
            Target::Gender => record.gender = gender(&text()?),
            Target::Position => record.position = text()?,
            Target::Department => record.department = text()?,
            Target::Locale => record.locale = Languages::accepted(&text()?),
            Target::IsActive => record.is_active &= values::flag(value)?,
            Target::IsDisabled => record.is_active &= !values::flag(value)?,
            Target::IsArchived => record.is_archived = values::flag(value)?,
            Target::IsBanned => self.is_banned = Some(values::flag(value)?),
            Target::BanReason => self.ban_reason = text()?,
            Target::BanEndsAt => self.ban_ends = Some(values::moment(value)?),
            Target::IsStaff => self.is_staff = values::flag(value)?,
            Target::IsSuperuser => self.is_superuser = values::flag(value)?,
            Target::Role => record.role = Role::named(&text()?).ok_or("role")?,
            Target::CreatedAt => record.created_at = Some(values::time(value)?),
            Target::LastLogin => record.last_login = Some(values::time(value)?),
            Target::DeletedAt => self.is_deleted = values::flag(value)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Record, Reject> {
        let Self { mut record, ban_ends, .. } = self;
        if self.is_deleted {
            let text = "The other system has deleted the user.".to_owned();
            return Err(Reject { code: "deleted", text });
        }
        if self.is_superuser {
            record.role = Role::Superuser;
        } else if self.is_staff {
            record.role = record.role.max(Role::Staff);
        }
        if self.is_banned.unwrap_or(ban_ends.is_some()) {
            let ends_at = ban_ends.and_then(Moment::at);
            let was_inactive = !record.is_active;
            let reason = self.ban_reason;
            record.ban = Some(BanRecord { reason, ends_at, at: None, was_inactive });
            record.is_active = false;
        }
        if record.first_name.is_empty() && record.last_name.is_empty() {
            let words: Vec<_> = self.name.split_whitespace().collect();
            match words.split_last() {
                Some((last, first)) if !first.is_empty() => {
                    (record.first_name, record.last_name) = (first.join(" "), (*last).to_owned());
                }
                _ => record.first_name = words.concat(),
            }
        }
        Ok(record)
    }
}

fn gender(text: &str) -> Option<Gender> {
    let text = text.trim().to_lowercase();
    [Gender::Male, Gender::Female, Gender::Other].into_iter().find(|gender| gender.name() == text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapping(fields: &[&str]) -> Mapping {
        let fields: Vec<_> = fields.iter().map(|field| field.parse().unwrap()).collect();
        Mapping::new(&[(Target::Email, &["email", "mail"])], &fields)
    }

    fn record(mapping: &Mapping, row: Value) -> Result<Record, Reject> {
        let Value::Object(row) = row else { panic!("{row}") };
        mapping.record(&row)
    }

    #[test]
    fn the_operator_names_columns_and_attributes_in_them() {
        let mapping = mapping(&["username=login", "first_name=meta.first.name"]);
        for meta in [json!({"first": {"name": "Ann"}}), json!("{\"first\": {\"name\": \"Ann\"}}")] {
            let row = json!({"login": "ann", "email": "", "mail": "a@b.c", "meta": meta});
            let found = record(&mapping, row).unwrap();
            assert_eq!(found.username.as_deref(), Some("ann"));
            assert_eq!((&*found.first_name, found.email.as_deref()), ("Ann", Some("a@b.c")));
        }
        for meta in [json!(null), json!("{"), json!(["Ann"]), json!({"first": "Ann"})] {
            assert_eq!(record(&mapping, json!({"meta": meta})).unwrap(), Record::default());
        }
    }

    #[test]
    fn a_field_is_named_as_it_is() {
        for bad in ["usrname=login", "username", "username=", "=login", ""] {
            assert!(bad.parse::<MappedField>().is_err(), "{bad}");
        }
        for (target, names) in Target::ALL {
            let field: MappedField = format!("{}=a=b", names[0]).parse().unwrap();
            let target = *target;
            assert_eq!(field, MappedField { target, column: "a=b".to_owned() });
        }
    }

    #[test]
    fn a_value_of_a_wrong_type_names_its_column_and_not_itself() {
        let mapping = mapping(&["created_at=since", "legacy_id=no", "is_active=on", "role=role"]);
        for (column, value) in [
            ("since", json!("secret")),
            ("since", json!(true)),
            ("no", json!([1])),
            ("no", json!(1.5)),
            ("on", json!("secret")),
            ("on", json!(2)),
            ("role", json!("secret")),
            ("email", json!(7)),
            ("email", json!({"secret": 1})),
        ] {
            let reject = record(&mapping, json!({ column: value })).unwrap_err();
            assert_eq!(reject.code, "malformed");
            assert!(reject.text.contains(&format!("`{column}`")), "{reject:?}");
            assert!(!reject.text.contains("secret"), "{reject:?}");
        }
    }

    #[test]
    fn what_several_columns_say_together() {
        let mapping = mapping(&[
            "is_banned=banned",
            "ban_ends_at=until",
            "is_active=active",
            "is_disabled=disabled",
            "is_staff=staff",
            "is_superuser=root",
            "name=name",
            "last_name=last",
            "deleted_at=deleted",
        ]);
        let read = |row: Value| record(&mapping, row).unwrap();
        let ban = |row: Value| read(row).ban;
        assert_eq!(ban(json!({"banned": 0, "until": "2030-01-01"})), None);
        assert!(ban(json!({"banned": 1})).unwrap().ends_at.is_none());
        assert!(ban(json!({"until": "infinity"})).unwrap().ends_at.is_none());
        let both = ban(json!({"until": "2030-01-01", "active": false})).unwrap();
        assert!(both.ends_at.is_some() && both.was_inactive);
        let is_active = |row: Value| read(row).is_active;
        assert!(is_active(json!({"disabled": false})) && !is_active(json!({"disabled": true})));
        assert!(!is_active(json!({"disabled": false, "active": "f"})));
        assert!(!is_active(json!({"banned": true})));
        let role = |row: Value| read(row).role;
        assert_eq!(role(json!({"staff": true, "root": false})), Role::Staff);
        assert_eq!(role(json!({"staff": false, "root": true})), Role::Superuser);
        let name = |row: Value| (read(row.clone()).first_name, read(row).last_name);
        let names = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(name(json!({"name": " Ann\n Mary  Lee "})), names("Ann Mary", "Lee"));
        assert_eq!(name(json!({"name": "Ann"})), names("Ann", ""));
        assert_eq!(name(json!({"name": "Ann Lee", "last": "Li"})), names("", "Li"));
        let deleted = record(&mapping, json!({"deleted": "2025-06-01 10:00:00+00"})).unwrap_err();
        assert_eq!(deleted.code, "deleted");
        assert!(record(&mapping, json!({"deleted": null})).is_ok());
    }
}
