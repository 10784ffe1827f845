//! What the function promises its clients: its schemas, its documents, and the rules of its dialects.

mod api;
mod dialects;
mod library;
mod openapi;
mod schema;
mod tokens;

use std::path::{Path, PathBuf};

/// All Rust files below a folder.
#[expect(clippy::unwrap_used, reason = "a folder that cannot be read fails the test")]
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found
}
