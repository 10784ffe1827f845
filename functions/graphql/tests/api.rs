//! `docs/api.md` is whole: every root field, every path and every code is in it, and nothing else is.

use std::collections::BTreeSet;

use graphql::schema::{Form, Registration, Shape, sdl};

const GUIDE: &str = include_str!("../../../docs/api.md");
/// The one table of codes.
const ERRORS: &str = include_str!("../../../shared/src/error.rs");

/// What stands in backticks in the cells of a table; of the first column only, if so asked.
fn named(table: &str, columns: std::ops::Range<usize>) -> BTreeSet<String> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|---"));
    let cells = rows.flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        cells[columns.start..columns.end.min(cells.len())]
            .concat()
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    cells.collect()
}

/// The operations, and the codes of the core.
fn tables() -> (&'static str, &'static str) {
    let (operations, _) = GUIDE.split_once("\n## ").unwrap_or_default();
    let (_, codes) = GUIDE.split_once("\n## Codes\n").unwrap_or_default();
    (operations, codes.split_once("\n## ").map_or(codes, |(codes, _)| codes))
}

#[test]
fn every_root_field_is_in_the_guide() {
    let schema = sdl(Shape { form: Form::Arguments, registration: Registration::WithPassword });
    let mut fields = BTreeSet::new();
    let mut is_root = false;
    let mut is_text = false;
    for line in schema.lines() {
        if line.contains("\"\"\"") {
            is_text = !is_text;
        } else if !line.starts_with('\t') {
            is_root = line == "type Query {" || line == "type Mutation {";
        } else if is_root && !is_text && line.starts_with('\t') && !line.starts_with("\t\t") {
            let name = line.trim().split(['(', ':']).next().unwrap_or_default();
            fields.insert(name.to_owned());
        }
    }
    fields.remove(")");
    let mut guide = named(tables().0, 1..6);
    guide.retain(|name| !name.starts_with('/'));
    assert_eq!(guide, fields);
}

#[test]
fn every_path_of_the_document_is_in_the_guide() {
    let guide: BTreeSet<_> =
        named(tables().0, 1..6).into_iter().filter(|name| name.starts_with('/')).collect();
    for path in graphql::openapi::paths() {
        let is_of_operations = path.starts_with("/api/accounts/") || path.starts_with("/users/");
        let named = guide.contains(path) || guide.contains(&format!("{path}/"));
        assert!(!is_of_operations || named, "{path}");
    }
}

#[test]
fn every_code_of_the_core_is_in_the_guide() {
    let codes = ERRORS.lines().filter_map(|line| {
        let code = line.split_once("=> \"")?.1.strip_suffix("\",")?;
        code.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| code.to_owned())
    });
    assert_eq!(named(tables().1, 0..1), codes.collect());
}
