//! The size of a document, measured before the engine validates or executes it.
//!
//! The engine's own limits count after it has spread every fragment, and a document of a few hundred bytes can make
//! that take for ever. Here each fragment is measured once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::codes::Code;
use crate::dialects::{self, RootField};
use crate::graphql_error::GraphQlError;

/// The deepest nesting of fields. GraphiQL's introspection query goes down to 15.
const MAX_DEPTH: usize = 20;
/// The deepest nesting of selections, fields or not. It keeps the recursion of this code and of the engine within the
/// stack of a thread.
const MAX_NESTING: usize = 64;
/// How many fields a document may ask for, with fragments spread.
const MAX_FIELDS: usize = 1_000;
/// How many costly operations a document may hold. Each alias of an operation counts. An operation is costly if it
/// costs a password hash, a mail or a walk through the users.
const MAX_COSTLY: usize = 5;
/// How many fields each field of a list counts for: it is answered for each row.
const ROW_WEIGHT: usize = 10;
/// How many fields of the root an operation may have. Each alias of a field counts. Most of these fields ask the table.
const MAX_ROOT_FIELDS: usize = 20;
/// How many directives a document may hold, with fragments spread.
const MAX_DIRECTIVES: usize = 100;
/// How many tokens a document may have. A longer document is not parsed.
const MAX_TOKENS: usize = 10_000;
/// How many fragments a document may define.
const MAX_FRAGMENTS: usize = 100;

/// Refuses a document that asks for too much. Introspection is allowed if `introspection` is on. Returns one of the
/// queries in it that need a `POST`, if there are any.
pub(crate) fn check(
    document: &ExecutableDocument,
    introspection: bool,
) -> Result<Option<&'static str>, GraphQlError> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(too_much(format!("A document may define {MAX_FRAGMENTS} fragments.")));
    }
    let mut measure = Measure { document, fragments: HashMap::new(), level: 0 };
    let mut all = Size::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let variables = operation.variable_definitions.iter();
        let of_variables: usize = variables.map(|variable| variable.node.directives.len()).sum();
        let inside = measure.selection_set(&operation.selection_set.node)?;
        // Only one of the operations is executed.
        let root_fields = all.root_fields.max(inside.root_fields);
        let inside = inside.with_directives(operation.directives.len() + of_variables);
        all = Size { root_fields, ..all.beside(inside) };
    }
    if all.depth > MAX_DEPTH {
        Err(too_much(format!("A document may be {MAX_DEPTH} levels deep.")))
    } else if all.introspects && !introspection {
        Err(GraphQlError::new(Code::INTROSPECTION_OFF, "The schema cannot be asked for."))
    } else if all.fields > MAX_FIELDS {
        Err(too_much(format!("A document may ask for {MAX_FIELDS} fields.")))
    } else if all.directives > MAX_DIRECTIVES {
        Err(too_much(format!("A document may hold {MAX_DIRECTIVES} directives.")))
    } else if all.root_fields > MAX_ROOT_FIELDS {
        Err(too_much(format!("An operation may have {MAX_ROOT_FIELDS} fields of the root.")))
    } else if all.costly > MAX_COSTLY {
        let names = dialects::costly().collect::<Vec<_>>().join(", ");
        Err(too_much(format!("A document may hold at most {MAX_COSTLY} of these fields: {names}.")))
    } else {
        Ok(all.by_post)
    }
}

/// Refuses a document that is too long to be parsed.
pub(crate) fn check_length(document: &str) -> Result<(), GraphQlError> {
    // One more than may be: the rest need not be counted.
    if tokens(document).take(MAX_TOKENS + 1).count() > MAX_TOKENS {
        return Err(too_much(format!("A document may have {MAX_TOKENS} tokens.")));
    }
    Ok(())
}

/// Where the tokens of a document begin (GraphQL specification, 2.1.6). What is no token counts as one, and is
/// refused by the parser.
fn tokens(document: &str) -> impl Iterator<Item = usize> {
    let bytes = document.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            match bytes.get(at)? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
                b'#' => at += bytes[at..].iter().take_while(|byte| !b"\r\n".contains(byte)).count(),
                _ => break,
            }
        }
        let start = at;
        at += length_of_token(&bytes[start..]);
        Some(start)
    })
}

fn length_of_token(rest: &[u8]) -> usize {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_of_number = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
    if rest.starts_with(b"\"\"\"") {
        let is_end = |at: &usize| rest[*at..].starts_with(b"\"\"\"") && rest[at - 1] != b'\\';
        return (3..rest.len()).find(is_end).map_or(rest.len(), |end| end + 3);
    }
    match rest[0] {
        b'"' => {
            let mut is_escaped = false;
            let inside = rest[1..].iter().take_while(|byte| {
                let goes_on = is_escaped || !b"\"\r\n".contains(byte);
                is_escaped = !is_escaped && **byte == b'\\';
                goes_on
            });
            (inside.count() + 2).min(rest.len())
        }
        b'-' | b'0'..=b'9' => rest.iter().take_while(|byte| is_of_number(byte)).count(),
        byte if is_of_name(&byte) => rest.iter().take_while(|byte| is_of_name(byte)).count(),
        b'.' => rest.iter().take_while(|byte| **byte == b'.').take(3).count(),
        _ => 1,
    }
}

#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    fields: usize,
    /// The root fields.
    root_fields: usize,
    directives: usize,
    costly: usize,
    introspects: bool,
    by_post: Option<&'static str>,
    nesting: usize,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            directives: self.directives.saturating_add(other.directives),
            costly: self.costly.saturating_add(other.costly),
            introspects: self.introspects || other.introspects,
            by_post: self.by_post.or(other.by_post),
            nesting: self.nesting.max(other.nesting),
        }
    }

    fn with_directives(self, count: usize) -> Self {
        Self { directives: self.directives.saturating_add(count), ..self }
    }

    fn under_a_field(self, name: &str, known: Option<&'static RootField>) -> Self {
        let is_costly = known.is_some_and(|field| field.is_costly);
        let by_post = known.filter(|field| field.is_by_post).map(|field| field.name);
        Self {
            depth: self.depth.saturating_add(1),
            fields: self.fields.saturating_add(1),
            // Introspection does not read the table.
            root_fields: usize::from(!name.starts_with("__")),
            directives: self.directives,
            costly: self.costly.saturating_add(usize::from(is_costly)),
            by_post: by_post.or(self.by_post),
            introspects: self.introspects || matches!(name, "__schema" | "__type"),
            nesting: self.nesting,
        }
    }
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being measured: if the code meets it again, the fragment spreads itself.
    fragments: HashMap<&'a str, Option<Size>>,
    /// How many selection sets contain the present one.
    level: usize,
}

impl<'a> Measure<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Size, GraphQlError> {
        self.level += 1;
        self.check_nesting(0)?;
        let mut size = Size::default();
        for selection in &set.items {
            size = size.beside(self.selection(&selection.node)?);
        }
        self.level -= 1;
        Ok(Size { nesting: size.nesting + 1, ..size })
    }

    fn check_nesting(&self, below: usize) -> Result<(), GraphQlError> {
        if self.level + below > MAX_NESTING {
            return Err(too_much(format!("Selections may be nested {MAX_NESTING} levels deep.")));
        }
        Ok(())
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Size, GraphQlError> {
        match selection {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let inside = self.selection_set(&field.node.selection_set.node)?;
                let known = dialects::field(name);
                let weight = if known.is_some_and(|field| field.is_list) { ROW_WEIGHT } else { 1 };
                let inside = Size { fields: inside.fields.saturating_mul(weight), ..inside };
                let inside = inside.with_directives(field.node.directives.len());
                Ok(inside.under_a_field(name, known))
            }
            Selection::InlineFragment(inline) => {
                let inside = self.selection_set(&inline.node.selection_set.node)?;
                Ok(inside.with_directives(inline.node.directives.len()))
            }
            Selection::FragmentSpread(spread) => {
                let inside = self.fragment(&spread.node.fragment_name.node)?;
                Ok(inside.with_directives(spread.node.directives.len()))
            }
        }
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, GraphQlError> {
        match self.fragments.get(name) {
            Some(Some(size)) => {
                let size = *size;
                self.check_nesting(size.nesting)?;
                return Ok(size);
            }
            Some(None) => return Err(too_much("A fragment may not spread itself.")),
            None => {}
        }
        // Validation reports a fragment that is not defined.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.fragments.insert(name, None);
        let size = self.selection_set(&fragment.node.selection_set.node)?;
        let size = size.with_directives(fragment.node.directives.len());
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

fn too_much(message: impl Into<String>) -> GraphQlError {
    GraphQlError::new(Code::TOO_COMPLEX, message)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(document: &str) -> Result<Option<&'static str>, GraphQlError> {
        let document = parse_query(document).unwrap();
        check(&document, true)
    }

    fn rejection(document: &str) -> Option<String> {
        checked(document).err().map(|rejection| rejection.message)
    }

    #[test]
    fn a_query_that_wants_a_post_is_found_wherever_it_is() {
        for document in [
            "{ user_login { a } }",
            "{ me { a } x: user_login { a } }",
            "{ ... on Q { ...F } } fragment F on Q { user_login { a } }",
        ] {
            assert_eq!(checked(document).unwrap_or_default(), Some("user_login"), "{document}");
        }
        assert_eq!(checked("{ user_login: me { userLogin } }").unwrap_or_default(), None);
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "{a".repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn twenty_levels_are_accepted_and_twenty_one_are_not() {
        assert_eq!(rejection(&nested(20)), None);
        assert_eq!(rejection(&nested(21)).unwrap(), "A document may be 20 levels deep.");
    }

    #[test]
    fn levels_are_counted_through_fragments() {
        let inner = nested(10);
        let document =
            format!("{{ {}...F{} }} fragment F on Q {inner}", "a{".repeat(11), "}".repeat(11));
        assert_eq!(rejection(&document).unwrap(), "A document may be 20 levels deep.");
    }

    #[test]
    fn five_costly_operations_are_accepted_and_six_are_not() {
        let document = |count: usize| {
            let fields: Vec<_> =
                (0..count).map(|i| format!("a{i}: tokenAuth{{success}} ")).collect();
            format!("mutation {{ {} }}", fields.concat())
        };
        assert_eq!(rejection(&document(5)), None);
        let refused = rejection(&document(6)).unwrap();
        let start = "A document may hold at most 5 of these fields: users, register, ";
        assert!(refused.starts_with(start), "{refused}");
    }

    #[test]
    fn twenty_fields_of_the_root_are_accepted_and_twenty_one_are_not() {
        let roots = |count: usize| {
            let fields: Vec<_> =
                (0..count).map(|i| format!("a{i}: verifyToken {{ b c }} ")).collect();
            fields.concat()
        };
        let spread = |count: usize| {
            format!("mutation {{ ...F ...F }} fragment F on M {{ {} }}", roots(count))
        };
        assert_eq!(rejection(&format!("mutation {{ {} __typename }}", roots(20))), None);
        assert_eq!(rejection(&spread(10)), None);
        for document in [format!("mutation {{ {} }}", roots(21)), spread(11)] {
            let refused = "An operation may have 20 fields of the root.";
            assert_eq!(rejection(&document).unwrap(), refused);
        }
        // One of them is executed.
        assert_eq!(rejection(&format!("query A {{ {0} }} query B {{ {0} }}", roots(20))), None);
    }

    #[test]
    fn a_hundred_directives_are_accepted_and_one_more_is_not() {
        let many = |count: usize| "@a ".repeat(count);
        for place in [
            "{ f DIRECTIVES }",
            "{ f { g DIRECTIVES } }",
            "query Q DIRECTIVES { f }",
            "query Q($v: Int DIRECTIVES) { f }",
            "{ ... DIRECTIVES { f } }",
            "{ ...F DIRECTIVES } fragment F on Q { f }",
            "{ ...F } fragment F on Q DIRECTIVES { f }",
            "{ ...F } fragment F on Q { f DIRECTIVES }",
        ] {
            let document = |count: usize| place.replace("DIRECTIVES", &many(count));
            assert_eq!(rejection(&document(100)), None, "{place}");
            assert!(rejection(&document(101)).is_some(), "{place}");
        }
    }

    #[test]
    fn tokens_are_counted_as_the_specification_says() {
        for (document, count) in [
            ("", 0),
            (" \t\r\n,,# a comment { } \n", 0),
            ("query Q($a: [Int!]! = -1.5e-3) @b { ...F c: d(e: $f) }", 29),
            (r#"{ a(b: "c d \" e } {", f: "") }"#, 11),
            (
                r#"{ a(b: """c " d
                \n""" ) }"#,
                8,
            ),
            (r#"{ a(b: """c \""" d""", e: f, g: """h""") }"#, 14),
            ("...F", 2),
            ("{a...F}", 5),
            ("\"never ends", 1),
            ("\"\"\"never ends", 1),
            ("@a@b@c", 6),
            ("\u{fc}", 2),
        ] {
            assert_eq!(tokens(document).count(), count, "{document}");
        }
        let names = |count: usize| "a ".repeat(count);
        assert!(check_length(&names(10_000)).is_ok());
        assert!(check_length(&names(10_001)).is_err());
    }

    #[test]
    fn a_field_of_a_list_counts_for_ten() {
        let document = |count: usize| {
            let fields: Vec<_> = (0..count).map(|i| format!("a{i}: id ")).collect();
            format!("{{ users {{ {} }} }}", fields.concat())
        };
        assert_eq!(rejection(&document(99)), None);
        assert!(rejection(&document(100)).is_some());
    }

    #[test]
    fn costly_operations_are_counted_through_fragments() {
        let document = "mutation { ...A ...B } \
            fragment A on M { a: tokenAuth{x} b: tokenAuth{x} c: register{x} } \
            fragment B on M { ...A }";
        assert!(rejection(document).is_some());
    }

    #[test]
    fn fragments_that_double_thirty_times_are_refused_and_not_spread() {
        let doubling: Vec<_> = (0..30)
            .map(|i| format!("fragment F{i} on Q {{ ...F{} ...F{} }} ", i + 1, i + 1))
            .collect();
        let document = format!("{{ ...F0 }} {} fragment F30 on Q {{ a }}", doubling.concat());
        assert_eq!(rejection(&document).unwrap(), "A document may ask for 1000 fields.");
    }

    #[test]
    fn selections_without_fields_are_refused_before_they_fill_the_stack() {
        let (open, close) = ("{...".repeat(28), "}".repeat(28));
        let fragments: Vec<_> = (0..60)
            .map(|i| format!("fragment F{i} on Q {open} {{ ...F{} }} {close}", i + 1))
            .collect();
        let document = format!("{{ ...F0 }} {} fragment F60 on Q {{ a }}", fragments.concat());
        let refused = "Selections may be nested 64 levels deep.";
        assert_eq!(rejection(&document).unwrap(), refused);
    }

    #[test]
    fn nesting_is_counted_again_where_a_fragment_is_spread_again() {
        let (open, close) = ("{...".repeat(40), "}".repeat(40));
        let fragment = format!("fragment F on Q {open} {{ a }} {close}");
        assert_eq!(rejection(&format!("{{ ...F }} {fragment}")), None);
        let document = format!("query A {{ ...F }} query B {open} {{ ...F }} {close} {fragment}");
        assert!(rejection(&document).is_some());
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_refused() {
        let document = "{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }";
        assert_eq!(rejection(document).unwrap(), "A fragment may not spread itself.");
    }
}
