//! The filter of breached passwords: the only code that reads and writes its file.

mod filter;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

pub use filter::{Filter, FilterError, PasswordDigest};

use crate::error::Unavailable;
use crate::model::PlainPassword;

/// The passwords that are known from breaches. Cheap to clone.
///
/// The filter has many megabytes, and most starts of a function see no new password. So the first new password loads
/// it.
#[derive(Clone)]
pub struct BreachedPasswords {
    path: Arc<PathBuf>,
    filter: Arc<OnceCell<Filter>>,
}

impl BreachedPasswords {
    /// The passwords of a file. Only its header is read now.
    ///
    /// # Errors
    /// The file cannot be read, or is no whole filter by its header.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, FilterError> {
        let path = path.into();
        let (mut file, length) = open(&path)?;
        Filter::check(&mut file, length)?;
        Ok(Self { path: path.into(), filter: Arc::default() })
    }

    /// The passwords of a filter in memory.
    pub fn of(filter: Filter) -> Self {
        Self { path: Arc::default(), filter: Arc::new(OnceCell::new_with(Some(filter))) }
    }

    /// Whether the password is one of them, as it was typed or in its normalised form. A filter that cannot be loaded
    /// does not answer, and the next call tries it again.
    pub(crate) async fn contain(&self, password: &PlainPassword) -> Result<bool, Unavailable> {
        let filter = self.filter.get_or_try_init(|| async {
            let path = self.path.clone();
            tokio::task::spawn_blocking(move || load(&path)).await?
        });
        let filter = filter.await?;
        Ok(PasswordDigest::all_of(password).into_iter().any(|digest| filter.contains(digest)))
    }
}

impl fmt::Debug for BreachedPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachedPasswords").field("path", &self.path).finish_non_exhaustive()
    }
}

fn load(path: &Path) -> Result<Filter, Unavailable> {
    let filter = open(path).and_then(|(mut file, length)| Filter::read(&mut file, length));
    let filter =
        filter.map_err(|error| format!("the breached passwords of {}: {error}", path.display()))?;
    tracing::info!(passwords = filter.count(), "the filter of breached passwords is loaded");
    Ok(filter)
}

/// Opens a regular file, and returns its length too. Other files are refused: to open a pipe would wait for its writer.
fn open(path: &Path) -> Result<(File, u64), FilterError> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file").into());
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(words: &[&str]) -> tempfile::NamedTempFile {
        let words = words.iter().map(|word| PlainPassword::new(*word));
        let digests = words.flat_map(|word| PasswordDigest::all_of(&word));
        let filter = Filter::of(digests.collect()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        filter.write(&mut file).unwrap();
        file
    }

    /// An é has other code points on another keyboard, and lists have either form.
    #[tokio::test]
    async fn a_password_is_found_in_each_form_that_a_list_may_have_of_it() {
        let (composed, decomposed) = ("caf\u{e9} noir 84", "cafe\u{301} noir 84");
        for (listed, found, other) in [
            (composed, [composed, decomposed], "cafe noir 84"),
            ("ｗｉｄｅ84xx", ["ｗｉｄｅ84xx", "wide84xx"], "wide84xy"),
        ] {
            let file = file_of(&[listed]);
            let breached = BreachedPasswords::at(file.path()).unwrap();
            for password in found {
                assert!(breached.contain(&PlainPassword::new(password)).await.unwrap());
            }
            assert!(!breached.contain(&PlainPassword::new(other)).await.unwrap());
        }
    }

    /// A list that has only the form as it was typed.
    #[tokio::test]
    async fn the_form_that_was_typed_counts_beside_the_normalised_one() {
        let typed = "cafe\u{301} noir 84";
        let only_typed = PasswordDigest::of_bytes(typed.as_bytes());
        let breached = BreachedPasswords::of(Filter::of(vec![only_typed]).unwrap());
        assert!(breached.contain(&PlainPassword::new(typed)).await.unwrap());
        assert!(!breached.contain(&PlainPassword::new("caf\u{e9} noir 84")).await.unwrap());
    }

    /// A cold start reads the header only. A file that is damaged, or gone, fails closed at the first new password, and
    /// a file that is right again is loaded.
    #[tokio::test]
    async fn the_first_password_loads_the_filter_and_a_failure_is_tried_again() {
        let file = file_of(&["correct horse"]);
        let whole = std::fs::read(file.path()).unwrap();
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(file.path(), &damaged).unwrap();
        let breached = BreachedPasswords::at(file.path()).unwrap();
        let password = PlainPassword::new("correct horse");
        let error = breached.contain(&password).await.unwrap_err().to_string();
        assert!(error.ends_with("its checksum is wrong: build it anew"), "{error}");
        std::fs::remove_file(file.path()).unwrap();
        breached.contain(&password).await.unwrap_err();
        std::fs::write(file.path(), &whole).unwrap();
        assert!(breached.contain(&password).await.unwrap());
        // From now on it is in memory.
        std::fs::remove_file(file.path()).unwrap();
        assert!(breached.contain(&password).await.unwrap());
    }

    #[test]
    fn what_is_no_file_is_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let error = BreachedPasswords::at(folder.path()).unwrap_err().to_string();
        assert_eq!(error, "it cannot be read: it is no file");
        let error = BreachedPasswords::at(folder.path().join("x")).unwrap_err().to_string();
        assert!(error.starts_with("it cannot be read: No such file"), "{error}");
    }
}
