//! Takes the templates of mails into the library: every file below `templates/mail`, by its path.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/mail");

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut templates = Vec::new();
    collect(Path::new(FOLDER), "", &mut templates)?;
    templates.sort();
    let mut list = String::from("[");
    for (name, path) in templates {
        let _ = write!(list, "({name:?}, include_str!({path:?})),");
    }
    list.push(']');
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("mail_templates.rs"), list)
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
