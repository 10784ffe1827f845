//! The formats of the systems that users come from.

mod better_auth;
mod cognito;
mod csv;
mod django;
mod django_factors;
mod fields;
mod firebase;
mod json;
mod jsonl;
mod nhost;
mod rows;
mod supabase;
mod table;
mod values;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use fields::MappedField;

use super::{InputError, Records};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines of Latchkey
    Jsonl,
    /// `dumpdata` of Django, as JSON
    Django,
    /// Tables of better-auth, joined
    BetterAuth,
    /// `auth.users` of Supabase, as CSV or JSON
    Supabase,
    /// `auth.users` of Nhost or hasura-auth, as CSV or JSON
    Nhost,
    /// CSV of Cognito, or the answer of list-users
    Cognito,
    /// `firebase auth:export`, as JSON
    Firebase,
    /// CSV with a header, or JSON rows
    Csv,
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Django => "django",
            Self::BetterAuth => "better-auth",
            Self::Supabase => "supabase",
            Self::Nhost => "nhost",
            Self::Cognito => "cognito",
            Self::Firebase => "firebase",
            Self::Csv => "csv",
        }
    }
}

/// Options of single formats. They are part of the identity of a run, as the input is.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// Which column has a field, such as username=login,email=mail; not for jsonl
    #[arg(long, value_name = "FIELD=COLUMN", value_delimiter = ',')]
    map: Vec<MappedField>,
    /// The user model of a Django project; auth.User by default
    #[arg(long, value_name = "APP.MODEL")]
    user_model: Option<String>,
    /// A file with the password hash parameters of a Firebase project
    #[arg(long, value_name = "FILE")]
    hash_config: Option<PathBuf>,
    /// Import all addresses as verified if the input does not show which ones are
    #[arg(long)]
    assume_verified: bool,
    /// Import users of Django without the second factors that Latchkey cannot import; without this option, refuse these
    /// users
    #[arg(long)]
    drop_second_factors: bool,
    /// The domain (RP ID) of the passkeys of a Django project; the new site must have the same
    #[arg(long, value_name = "DOMAIN")]
    rp_id: Option<String>,
    /// The number of recovery codes that django-allauth makes, if it is not 10
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=30))]
    recovery_code_count: Option<u8>,
    /// The number of digits of these codes, if it is not 8
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=18))]
    recovery_code_digits: Option<u8>,
}

/// Opens an input. A format whose records are spread over the file may read it twice.
///
/// # Errors
/// If the file cannot be read, or if its beginning shows that it is of another format.
pub fn open(format: Format, path: &Path, options: &SourceOptions) -> Result<Records, InputError> {
    match format {
        Format::Jsonl => jsonl::open(path),
        Format::Django => django::open(path, options),
        Format::BetterAuth => table::open(better_auth::BetterAuth, path, options),
        Format::Supabase => table::open(supabase::Supabase, path, options),
        Format::Nhost => table::open(nhost::Nhost, path, options),
        Format::Cognito => table::open(cognito::Cognito, path, options),
        Format::Firebase => {
            let firebase = firebase::Firebase::new(options.hash_config.as_deref())?;
            table::open(firebase, path, options)
        }
        Format::Csv => table::open(csv::Plain, path, options),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use clap::Parser;
    use expect_test::expect_file;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: SourceOptions,
    }

    /// All that a format reads from an export in `tests/import/fixtures`: a line for each record or reject.
    fn read(format: Format, name: &str, options: &[&str]) -> String {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/import/fixtures"));
        let config = folder.join("firebase-hash-config.txt");
        let config = ["--hash-config", config.to_str().unwrap()];
        let config = if format == Format::Firebase { &config[..] } else { &[] };
        let line = Line::try_parse_from([&["import"], options, config].concat()).unwrap();
        let mut text = String::new();
        for entry in open(format, &folder.join(name), &line.options).unwrap() {
            let entry = entry.unwrap();
            match entry.record {
                Ok(record) => {
                    let record = serde_json::to_string(&record).unwrap();
                    writeln!(text, "{} {record}", entry.line).unwrap();
                }
                Err(reject) => writeln!(text, "{} {reject:?}", entry.line).unwrap(),
            }
        }
        text
    }

    /// Each source ends, and gives the same entries again, because a run that was interrupted counts on it.
    #[test]
    fn whatever_is_in_a_file_each_source_reads_it_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        let options = SourceOptions::default();
        crate::properties::holds("import", 500, |input| {
            std::fs::write(&path, input).unwrap();
            for format in Format::value_variants() {
                let read = || {
                    let entries = open(*format, &path, &options).ok()?;
                    let entries = entries
                        .take(input.len() + 2)
                        .map(|entry| entry.map_err(|broken| broken.to_string()));
                    Some(entries.collect::<Vec<_>>())
                };
                let found = read();
                let entries = found.iter().flatten();
                let lines: Vec<_> = entries.flatten().map(|entry| entry.line).collect();
                assert!(lines.is_sorted_by(|a, b| a < b), "{format:?} {lines:?}");
                assert!(lines.len() <= input.len(), "{format:?}");
                assert_eq!(read(), found, "{format:?}");
            }
        });
    }

    #[test]
    fn each_export_of_another_system_is_read_as_these_records() {
        let custom = [
            "--user-model=members.Member",
            "--map=email=mail,username=login,first_name=given,last_name=family,created_at=since",
            "--map=is_active=enabled,is_verified=confirmed,locale=tongue",
        ];
        let plain = [
            "--map=legacy_id=no,username=login,email=mail,first_name=first,last_name=last",
            "--map=password=pw,is_verified=confirmed,created_at=since",
        ];
        let mfa = ["--rp-id=accounts.example"];
        let none: &[&str] = &[];
        for (format, name, options) in [
            (Format::Django, "django-auth.json", none),
            (Format::Django, "django-graphql-auth.json", none),
            (Format::Django, "django-allauth.json", none),
            (Format::Django, "django-natural.jsonl", none),
            (Format::Django, "django-custom.json", &custom),
            (Format::Django, "django-otp.json", &["--assume-verified"]),
            (Format::Django, "django-mfa.json", &mfa),
            (Format::BetterAuth, "better-auth.json", none),
            (Format::Supabase, "supabase.csv", none),
            (Format::Nhost, "nhost.jsonl", none),
            (Format::Cognito, "cognito.csv", none),
            (Format::Cognito, "cognito.json", none),
            (Format::Firebase, "firebase.json", none),
            (Format::Csv, "plain.csv", &plain),
        ] {
            expect_file![format!("../../../../../tests/import/records/{name}.txt")]
                .assert_eq(&read(format, name, options));
        }
    }
}
