//! `docs/api.md` is whole: every root field, every path and every code is in it, and nothing else is.

use std::collections::BTreeSet;

use graphql::schema::{MutationStyle, RegisterArguments, Shape, sdl};

const GUIDE: &str = include_str!("../../../../docs/api.md");
/// The one table of codes.
const ERRORS: &str = concat!(
    include_str!("../../../../shared/src/error/mod.rs"),
    include_str!("../../../../shared/src/error/violation.rs"),
);

/// The texts in backticks in the cells of those columns of a table.
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

/// The tables of operations and codes. They may be in any section after that one.
fn tables() -> (&'static str, &'static str) {
    let (operations, _) = GUIDE.split_once("\n## ").unwrap_or_default();
    let (_, codes) = GUIDE.split_once("\n## Codes\n").unwrap_or_default();
    (operations, codes)
}

#[test]
fn every_root_field_is_in_the_guide() {
    let schema = sdl(Shape {
        style: MutationStyle::Arguments,
        registration: RegisterArguments::WithPassword,
    });
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

/// The texts in the bodies of the functions of that name.
fn texts_in(source: &str, function: &str) -> BTreeSet<String> {
    let head = format!("fn {function}(");
    let bodies = source.split(&head).skip(1);
    let bodies = bodies.filter_map(|rest| rest.split("\n    }\n").next());
    bodies.flat_map(|body| body.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// A code that is missing in the guide, or was removed from the program, is in one of the two sets only.
#[test]
fn every_code_is_in_the_guide() {
    let mut codes = texts_in(ERRORS, "code");
    assert!(codes.contains("unavailable") && codes.contains("password_too_short"), "{codes:?}");
    codes.extend(graphql::codes::OWN.iter().map(|code| (*code).to_owned()));
    let guide = named(tables().1, 0..1);
    let missing: Vec<_> = codes.difference(&guide).collect();
    assert!(
        missing.is_empty(),
        "docs/api.md does not have the codes {missing:?}: add a row for each"
    );
    let gone: Vec<_> = guide.difference(&codes).collect();
    assert!(gone.is_empty(), "docs/api.md has codes that no failure has: {gone:?}");
}

/// A front's code is a `Code`. It comes from the core, or from the list above.
#[test]
fn no_code_is_written_where_it_is_used() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for written in ["\"code\": \"", "code: \"", "set(\"code\", \"", "GraphQlError::new(\""]
            {
                assert!(!text.contains(written), "{}: {written}", path.display());
            }
            files += 1;
        }
    }
    assert!(files > 40, "{files}");
}
