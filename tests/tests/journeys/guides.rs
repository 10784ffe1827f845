//! The guides are true: the files and names in a document exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use accounts::config::SETTINGS;
use accounts::model::EventKind;
use regex_lite::Regex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The paths of all files of the project, from its root.
fn files() -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", ".data", "node_modules"].contains(&name.as_str()) {
                    walk(root, &path, found);
                }
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    found
}

/// Each document: its path, and its text.
fn documents() -> Vec<(String, String)> {
    let is_document = |path: &String| Path::new(path).extension().is_some_and(|it| it == "md");
    let documents = files().into_iter().filter(is_document);
    documents
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).unwrap();
            (path, text)
        })
        .collect()
}

/// The text of a document outside of its fenced blocks.
fn prose(text: &str) -> String {
    let mut is_fenced = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    };
    text.lines().filter(is_prose).collect::<Vec<_>>().join("\n")
}

/// The texts between single backticks in the prose.
fn quoted(text: &str) -> Vec<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    code.captures_iter(&prose(text)).map(|it| it[1].replace('\n', " ")).collect()
}

/// The anchor of a heading, as code hosts make it.
fn anchor(heading: &str) -> String {
    let text: String = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    prose(text).lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// The files of those kinds, as one text.
fn sources(kinds: &[&str]) -> String {
    let is_of = |path: &String| kinds.iter().any(|kind| path.ends_with(kind));
    let texts = files().into_iter().filter(is_of);
    texts.map(|path| fs::read_to_string(root().join(path)).unwrap()).collect()
}

/// The names of the items, variants and members of structs that Rust declares.
fn declared(source: &str) -> BTreeSet<&str> {
    let item = r"\b(?:fn|struct|enum|trait|type|mod|const|static|macro_rules!) (\w+)";
    let member = r"(?m)^\s+(?:pub(?:\([a-z]+\))? )?(\w+)(?:[,({:]|\s*$| [{=])";
    let names = |pattern: &str| -> Vec<&str> {
        let pattern = Regex::new(pattern).unwrap();
        pattern.captures_iter(source).filter_map(|it| Some(it.get(1)?.as_str())).collect()
    };
    [names(item), names(member)].concat().into_iter().collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (path, text) in documents() {
        for found in link.captures_iter(&prose(&text)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(&path).parent().unwrap().to_owned();
            let to = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            let is_there = to.exists()
                && (heading.is_empty()
                    || anchors(&fs::read_to_string(&to).unwrap()).contains(heading));
            if !is_there {
                wrong.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 50, "{count}");
}

/// The tables of rules, each with the letter of its rows and the number of the last row, or a higher one.
const RULES: &[(&str, char, u32)] = &[("docs/security.md", 'S', 20), ("docs/admin.md", 'T', 16)];

/// The tables of rules name the tests that prove them.
#[test]
fn every_test_that_a_document_names_for_a_rule_is_a_test() {
    let test = Regex::new(
        r"#\[(?:tokio::)?test(?:\([^)]*\))?\]\s*(?:#\[[^\n]*\]\s*)*(?:pub(?:\([a-z]+\))? )?(?:async )?fn (\w+)",
    )
    .unwrap();
    let sources = sources(&[".rs"]);
    let tests: BTreeSet<&str> =
        test.captures_iter(&sources).filter_map(|it| Some(it.get(1)?.as_str())).collect();
    let name = Regex::new(r"`(\w+)`").unwrap();
    for (document, letter, least) in RULES {
        let whole = fs::read_to_string(root().join(document)).unwrap();
        let (_, section) = whole.split_once("\n## What is tested\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let row = Regex::new(&format!(r"(?m)^\| {letter}(\d+) \| [^|]+ \| ([^|]+) \|$")).unwrap();
        let (mut wrong, mut last) = (Vec::new(), 0);
        for found in row.captures_iter(section) {
            let number: u32 = found[1].parse().unwrap();
            assert!(number > last, "{letter}{number} after {letter}{last}");
            last = number;
            let named: Vec<_> = name.captures_iter(&found[2]).map(|it| it[1].to_owned()).collect();
            assert!(!named.is_empty(), "{letter}{number} has no test");
            let missing = named.into_iter().filter(|name| !tests.contains(name.as_str()));
            wrong.extend(missing.map(|name| format!("{letter}{number}: {name}")));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(last >= *least, "{document}: {last}");
    }
}

/// What reads events, and writes none.
const READERS_OF_EVENTS: &[&str] =
    &["shared/src/model/audit/mod.rs", "shared/src/operations/staff/see.rs"];

/// The inventory promises no event that no code writes.
#[test]
fn every_kind_of_event_is_written_by_some_code() {
    let is_writer = |path: &String| {
        let is_product = ["shared/src/", "functions/"].iter().any(|it| path.starts_with(it));
        let is_source = Path::new(path).extension().is_some_and(|it| it == "rs");
        is_product && is_source && !READERS_OF_EVENTS.contains(&path.as_str())
    };
    let code: String = files()
        .into_iter()
        .filter(is_writer)
        .map(|path| {
            let text = fs::read_to_string(root().join(path)).unwrap();
            text.split("#[cfg(test)]").next().unwrap().to_owned()
        })
        .collect();
    let kind = Regex::new(r"EventKind::([A-Z]\w+)").unwrap();
    let written: BTreeSet<String> =
        kind.captures_iter(&code).map(|found| found[1].to_owned()).collect();
    let all: BTreeSet<String> = EventKind::ALL.iter().map(|kind| format!("{kind:?}")).collect();
    let missing: Vec<_> = all.difference(&written).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Files that documents name and that are not in this tree: of a Hasura, of SAM, of a library.
const FILES_OF_OTHERS: &[&str] = &[
    "metadata/actions.graphql",
    "metadata/actions.yaml",
    "samconfig.toml",
    "graphiql.min.css",
    "sbom.cdx.json",
    "rejects.jsonl",
    "users.jsonl.dry-run/rejects.jsonl",
    "kept.jsonl",
];

#[test]
fn every_path_that_a_document_names_is_there() {
    let files = files();
    let folders: BTreeSet<&str> =
        files.iter().flat_map(|file| file.match_indices('/').map(|(at, _)| &file[..at])).collect();
    let kinds = "rs|toml|yaml|yml|json|jsonl|graphql|jinja|html|css|mjs|ts|md|lock";
    let file = Regex::new(&format!(r"^[\w.-]+(?:/[\w.-]+)*\.(?:{kinds})$")).unwrap();
    // Paths of an API end with a slash, too: a folder is named from the root.
    let folder = Regex::new(
        "^(?:shared|functions|embedded|local|tests|docs|examples|events)/(?:[a-z_.-]+/)*$",
    )
    .unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (document, text) in documents() {
        for named in quoted(&text) {
            let is_there = if folder.is_match(&named) {
                folders.contains(named.trim_end_matches('/'))
            } else if file.is_match(&named) && !FILES_OF_OTHERS.contains(&named.as_str()) {
                let ends = format!("/{named}");
                files.iter().any(|file| format!("/{file}").ends_with(&ends))
            } else {
                continue;
            };
            count += 1;
            if !is_there {
                wrong.push(format!("{document}: {named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 50, "{count}");
}

#[test]
fn every_name_that_a_document_gives_for_a_file_is_in_that_file() {
    let files = files();
    let pair = Regex::new(r"`([\w/.-]+\.rs)`(?:, | has |: )`(?:\w+::)*(\w+)(?:\(\))?`").unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (document, text) in documents() {
        for found in pair.captures_iter(&prose(&text).replace('\n', " ")) {
            count += 1;
            let (file, name) = (format!("/{}", &found[1]), &found[2]);
            let mut candidates = files.iter().filter(|path| format!("/{path}").ends_with(&file));
            let has = |path: &String| {
                declared(&fs::read_to_string(root().join(path)).unwrap()).contains(name)
            };
            if !candidates.any(has) {
                wrong.push(format!("{document}: {} in {}", name, &found[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 0);
}

#[test]
fn every_rust_item_that_a_document_names_is_in_the_sources() {
    let sources = sources(&[".rs"]);
    let declared = declared(&sources);
    let item = Regex::new(r"^([A-Z]\w+)::(\w+)(?:\(.*\))?$").unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (document, text) in documents() {
        for named in quoted(&text) {
            let Some(found) = item.captures(&named) else { continue };
            // `AWS::Lambda::Function`, and what CloudFormation takes.
            if &found[1] == "AWS" {
                continue;
            }
            count += 1;
            if !declared.contains(&found[1]) || !declared.contains(&found[2]) {
                wrong.push(format!("{document}: {named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 10, "{count}");
}

/// Names in capitals in documents that are not Latchkey's: variables of AWS and of a Hasura, settings of Django.
const NAMES_OF_OTHERS: &[&str] = &[
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "DEFAULT_AUTHENTICATION_CLASSES",
    "HASURA_GRAPHQL_JWT_SECRET",
    "HASURA_GRAPHQL_UNAUTHORIZED_ROLE",
    "INSTALLED_APPS",
    "LATCHKEY_ACTION_SECRET",
    "LATCHKEY_ALGORITHM",
    "LATCHKEY_AUDIENCE",
    "LATCHKEY_URL",
    "MFA_RECOVERY_CODE_COUNT",
    "MFA_RECOVERY_CODE_DIGITS",
    "MFA_TOTP_DIGITS",
    "MFA_TOTP_PERIOD",
    "PASSWORD_HASHERS",
    "SEND_PASSWORD_SET_EMAIL",
];

#[test]
fn every_setting_that_a_document_names_is_one() {
    let settings: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    // Variables that the program and the tests read, beside the settings of the functions.
    let sources = sources(&[".rs", "tests/run"]);
    let name = Regex::new(r"^([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=.*)?$").unwrap();
    let mut wrong = BTreeSet::new();
    for (document, text) in documents() {
        for named in quoted(&text) {
            let Some(found) = name.captures(&named) else { continue };
            let name = &found[1];
            let is_known = settings.contains(name)
                || NAMES_OF_OTHERS.contains(&name)
                || sources.contains(&format!("\"{name}\""))
                || sources.contains(&format!("{name}="))
                || sources.contains(&format!("const {name}:"));
            if !is_known {
                wrong.insert(format!("{document}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
