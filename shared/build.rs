//! Generates two tables for the library: the templates of mails, by their path below `templates/mail`, and the letters
//! that look like other letters.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/mail");

#[expect(clippy::disallowed_methods, reason = "Cargo passes the folder in the environment")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let out = Path::new(&out);
    fs::write(out.join("mail_templates.rs"), mail_templates()?)?;
    fs::write(out.join("lookalikes.rs"), lookalikes())
}

fn mail_templates() -> io::Result<String> {
    let mut templates = Vec::new();
    collect(Path::new(FOLDER), "", &mut templates)?;
    templates.sort();
    let mut list = String::from("[");
    for (name, path) in templates {
        let _ = write!(list, "({name:?}, include_str!({path:?})),");
    }
    list.push(']');
    Ok(list)
}

/// Each letter that looks like something else, with the position of its look in one text.
///
/// The table of the crate has a pointer in each of its 6,700 rows. The loader relocates each of them at every start, and
/// that copies 39 pages of memory. These rows have no pointers.
fn lookalikes() -> String {
    let (mut rows, mut text) = (String::new(), String::new());
    for letter in '\u{80}'..=char::MAX {
        let letter_itself = [letter];
        // The name is decomposed before it is looked up.
        if !letter.nfd().eq(letter_itself) {
            continue;
        }
        let look: String = skeleton(letter.encode_utf8(&mut [0; 4])).collect();
        if !look.chars().eq(letter_itself) {
            let _ = write!(rows, "('{}',{}),", letter.escape_unicode(), text.len());
            text.push_str(&look);
        }
    }
    format!("(&[{rows}], \"{}\")", text.escape_default())
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{file}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found)?;
        } else {
            found.push((name, path.display().to_string()));
        }
    }
    Ok(())
}
