//! Documents that were parsed and measured a short time ago, for one schema. A client sends the same few documents again
//! and again. To parse one is more expensive than to execute it, and to validate one is as expensive.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::ExecutableDocument;

/// How many bytes the texts of all kept documents may have. A parsed document takes up to 140 times as much memory as its
/// text.
const MOST_BYTES: usize = 64 << 10;
/// How many bytes the text of a kept document may have.
const LONGEST: usize = 8 << 10;

/// A document within the limits.
#[derive(Debug)]
pub(crate) struct MeasuredDocument {
    pub(crate) document: ExecutableDocument,
    /// A query in it that needs a `POST`, if there is any.
    pub(crate) wants_post: Option<&'static str>,
    is_valid: AtomicBool,
}

impl MeasuredDocument {
    pub(crate) fn new(document: ExecutableDocument, wants_post: Option<&'static str>) -> Self {
        Self { document, wants_post, is_valid: AtomicBool::new(false) }
    }

    /// Whether a request proved that the document is valid with all values of the right types for its variables.
    pub(crate) fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    pub(crate) fn set_valid(&self) {
        self.is_valid.store(true, Ordering::Relaxed);
    }
}

/// The kept documents. All clones share them. The oldest documents make room for a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    documents: HashMap<Arc<str>, Arc<MeasuredDocument>>,
    /// Each text in `documents` once, the oldest first.
    order: VecDeque<Arc<str>>,
    bytes: usize,
}

impl Documents {
    /// The document with that text. `measure` parses it and checks its limits, unless it is kept.
    pub(crate) fn get<E>(
        &self,
        text: &str,
        measure: impl FnOnce(&str) -> Result<MeasuredDocument, E>,
    ) -> Result<Arc<MeasuredDocument>, E> {
        if let Some(kept) = self.with(|kept| kept.documents.get(text).cloned()) {
            return Ok(kept);
        }
        let measured = Arc::new(measure(text)?);
        if may_be_kept(text) {
            self.with(|kept| kept.add(text.into(), measured.clone()));
        }
        Ok(measured)
    }

    fn with<R>(&self, run: impl FnOnce(&mut Entries) -> R) -> R {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entries {
    fn add(&mut self, text: Arc<str>, measured: Arc<MeasuredDocument>) {
        if self.documents.insert(text.clone(), measured).is_some() {
            return;
        }
        self.bytes += text.len();
        self.order.push_back(text);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.documents.remove(&oldest);
            self.bytes -= oldest.len();
        }
    }
}

/// A document with a string in it is not kept: the string may be a password or a token, and few clients send it again.
fn may_be_kept(text: &str) -> bool {
    text.len() <= LONGEST && !text.contains('"')
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    /// Whether a document had to be parsed.
    fn is_parsed(documents: &Documents, text: &str) -> bool {
        let mut is_parsed = false;
        let measured = documents.get(text, |text| {
            is_parsed = true;
            let document = parse_query(text)?;
            Ok::<_, async_graphql::parser::Error>(MeasuredDocument::new(document, None))
        });
        assert_eq!(measured.is_ok(), parse_query(text).is_ok());
        is_parsed
    }

    /// A document of so many bytes.
    fn long(name: &str, bytes: usize) -> String {
        format!("{{ {name} {}}}", " ".repeat(bytes - name.len() - 4))
    }

    #[test]
    fn a_document_that_comes_again_is_not_parsed_again() {
        let documents = Documents::default();
        for (is_new, text) in [(true, "{ a }"), (false, "{ a }"), (true, "{ b }"), (true, "{")] {
            assert_eq!(is_parsed(&documents, text), is_new, "{text}");
        }
        assert!(is_parsed(&documents, "{"), "a document with an error is not kept");
    }

    #[test]
    fn a_document_with_a_string_and_a_long_one_are_not_kept() {
        let documents = Documents::default();
        let (long, longest) = (long("a", LONGEST + 1), long("a", LONGEST));
        for (is_kept, text) in [
            (false, r#"{ a(password: "secret") }"#),
            (false, long.as_str()),
            (true, longest.as_str()),
        ] {
            assert!(is_parsed(&documents, text));
            assert_eq!(is_parsed(&documents, text), !is_kept, "{text}");
        }
    }

    #[test]
    fn the_oldest_documents_make_room_for_a_new_one() {
        let documents = Documents::default();
        let name = |at: usize| long(&format!("a{at}"), LONGEST);
        let most = MOST_BYTES / LONGEST;
        assert!((0..most).all(|at| is_parsed(&documents, &name(at))));
        assert!((0..most).all(|at| !is_parsed(&documents, &name(at))));
        assert!(is_parsed(&documents, "{ one }"));
        assert!(!is_parsed(&documents, &name(1)));
        assert!(is_parsed(&documents, &name(0)));
        documents.with(|kept| {
            assert_eq!(kept.documents.len(), kept.order.len());
            assert_eq!(kept.bytes, kept.order.iter().map(|text| text.len()).sum::<usize>());
            assert!(kept.bytes <= MOST_BYTES);
        });
    }
}
