//! `breached-passwords build`: makes the filter of a list of breached passwords.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use accounts::breached::{Filter, FilterError, PasswordDigest};
use accounts::model::PlainPassword;

/// The maximum number of bytes of a line: more than any password has.
const MAX_LINE: usize = 4096;
/// The number of lines between two reports of progress.
const REPORT_EVERY: u64 = 1 << 20;
/// Some programs write this at the start of a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The name of the standard input.
const STANDARD_INPUT: &str = "-";

/// The content of each line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// The SHA-1 of a password in hexadecimal digits, perhaps with a colon and the number of times that it was seen.
    /// A password with a lower number than `min_count` is left out.
    Sha1 { min_count: u64 },
    /// A password.
    Words,
}

/// A filter to build.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct Build {
    /// Each line is the SHA-1 of a password, such as HASH:COUNT (the default)
    #[arg(long, conflicts_with = "words")]
    sha1: bool,
    /// Each line is a password
    #[arg(long, conflicts_with = "min_count")]
    words: bool,
    /// Leave out the passwords that were seen less often
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    min_count: Option<u64>,
    /// The list; - is the standard input
    input: PathBuf,
    /// The file for `BREACHED_PASSWORDS`
    output: PathBuf,
}

/// A filter that the command has built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The lines of the list.
    pub lines: u64,
    /// The passwords of the filter.
    pub passwords: u64,
    /// The bytes of its file.
    pub bytes: u64,
    output: PathBuf,
}

/// The reason why no filter was built. The message has one line.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The list cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The list.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line is malformed. The message does not show the line, because it may be a password.
    #[error("line {number} of {}: {problem}", path.display())]
    Line {
        /// The list.
        path: PathBuf,
        /// From 1.
        number: u64,
        /// The fault of the line.
        problem: &'static str,
    },
    /// The list has no password.
    #[error("{} has no password{}", path.display(), if *.is_counted { " that reaches --min-count" } else { "" })]
    Empty {
        /// The list.
        path: PathBuf,
        /// Whether `--min-count` may have left out passwords.
        is_counted: bool,
    },
    /// No filter can be made of these passwords.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The filter cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The filter.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, passwords, bytes, output } = self;
        let output = output.display();
        write!(f, "{output} has {passwords} passwords of {lines} lines, in {bytes} bytes. ")?;
        f.write_str("Of other passwords, it refuses one in 65536 by mistake.")
    }
}

impl Build {
    fn lines(&self) -> Lines {
        if self.words {
            Lines::Words
        } else {
            Lines::Sha1 { min_count: self.min_count.unwrap_or(0) }
        }
    }

    /// Reads the list, line by line, and writes the filter in one step: an existing file stays unchanged until the new
    /// one is complete. Calls `report` from time to time with the number of lines that it has read.
    ///
    /// It takes 8 bytes of memory for each password, and about 35 bytes while it makes the filter.
    ///
    /// # Errors
    /// The list cannot be read, a line is malformed, or the filter cannot be written.
    pub fn run(&self, report: impl FnMut(u64)) -> Result<Built, BuildError> {
        let read_error = |source| BuildError::Read { path: self.input.clone(), source };
        let (lines, digests) = if self.input == Path::new(STANDARD_INPUT) {
            self.read(&mut io::stdin().lock(), report)
        } else {
            let file = File::open(&self.input).map_err(read_error)?;
            self.read(&mut BufReader::with_capacity(1 << 20, file), report)
        }?;
        if digests.is_empty() {
            let is_counted = self.min_count.is_some();
            return Err(BuildError::Empty { path: self.input.clone(), is_counted });
        }
        let filter = Filter::of(digests)?;
        let bytes = write_in_one_step(&filter, &self.output)
            .map_err(|source| BuildError::Write { path: self.output.clone(), source })?;
        Ok(Built { lines, passwords: filter.count(), bytes, output: self.output.clone() })
    }

    fn read(
        &self,
        input: &mut impl BufRead,
        mut report: impl FnMut(u64),
    ) -> Result<(u64, Vec<PasswordDigest>), BuildError> {
        let (path, lines) = (|| self.input.clone(), self.lines());
        let (mut number, mut line, mut digests) = (0, Vec::new(), Vec::new());
        loop {
            line.clear();
            // The extra byte shows that a line is too long. Such a line is never read completely.
            let mut part = input.take(MAX_LINE as u64 + 2);
            let read = part.read_until(b'\n', &mut line);
            if read.map_err(|source| BuildError::Read { path: path(), source })? == 0 {
                return Ok((number, digests));
            }
            number += 1;
            let bad = |problem| BuildError::Line { path: path(), number, problem };
            let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            if bytes.len() > MAX_LINE {
                return Err(bad("it is longer than any password"));
            }
            let text = str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
            let text = if number == 1 { text.trim_start_matches(BYTE_ORDER_MARK) } else { text };
            if !text.is_empty() {
                lines.add(text, &mut digests).map_err(bad)?;
            }
            if number.is_multiple_of(REPORT_EVERY) {
                report(number);
            }
        }
    }
}

impl Lines {
    /// Adds the password of a line.
    fn add(self, text: &str, digests: &mut Vec<PasswordDigest>) -> Result<(), &'static str> {
        let Self::Sha1 { min_count } = self else {
            let [typed, normalised] = PasswordDigest::all_of(&PlainPassword::new(text));
            digests.push(typed);
            digests.extend((normalised != typed).then_some(normalised));
            return Ok(());
        };
        let (sha1, count) = match text.split_once(':') {
            Some((sha1, count)) => {
                let count = u64::from_str(count.trim_end());
                (sha1, Some(count.map_err(|_| "its count is no number")?))
            }
            None => (text.trim_end(), None),
        };
        let digest = PasswordDigest::parse(sha1);
        let digest = digest.ok_or("it does not start with the 40 hexadecimal digits of a SHA-1")?;
        let is_frequent = match count {
            Some(count) => count >= min_count,
            None if min_count > 0 => return Err("it has no count, which --min-count needs"),
            None => true,
        };
        digests.extend(is_frequent.then_some(digest));
        Ok(())
    }
}

/// Writes a file beside the output, and then gives it the name of the output.
fn write_in_one_step(filter: &Filter, output: &Path) -> io::Result<u64> {
    let name = output.file_name().ok_or_else(|| io::Error::other("it is no name of a file"))?;
    let mut partial = name.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = output.with_file_name(partial);
    let written = write(filter, &partial).and_then(|bytes| {
        fs::rename(&partial, output)?;
        Ok(bytes)
    });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write(filter: &Filter, path: &Path) -> io::Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    filter.write(&mut file)?;
    let file = file.into_inner()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// A filter of some passwords that were published as examples. With it, `cargo run` refuses breached passwords without
/// a list.
pub(crate) fn sample() -> Result<Filter, FilterError> {
    let words = include_str!("breached-sample.txt").lines().map(PlainPassword::new);
    Filter::of(words.flat_map(|word| PasswordDigest::all_of(&word)).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The command line.
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        build: Build,
    }

    fn parse(arguments: &[&str]) -> Result<Build, clap::Error> {
        let line = Line::try_parse_from(std::iter::once(&"build").chain(arguments))?;
        Ok(line.build)
    }

    /// The SHA-1 of `password`, of `correct horse` and of `zebrafinch`, by `sha1sum`.
    const SHA1: [&str; 3] = [
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0",
        "340C7698DCF3422CC948D638B21B448D9813A43D",
    ];

    /// Builds a filter from a list with this content.
    fn build(options: &[&str], list: &[u8]) -> Result<(Built, Filter), BuildError> {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["list", "filter"].map(|name| folder.path().join(name));
        fs::write(&input, list).unwrap();
        let files = [input.to_str().unwrap(), output.to_str().unwrap()];
        let order = parse(&[options, &files].concat()).unwrap();
        let result = order.run(|_| ());
        // The folder has the list and, after a success, the filter. No partial file is left.
        let count = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(count, if result.is_ok() { 2 } else { 1 });
        let built = result?;
        let mut file = File::open(&output).unwrap();
        let filter = Filter::read(&mut file, built.bytes).unwrap();
        Ok((built, filter))
    }

    fn problem(options: &[&str], list: &[u8]) -> String {
        let error = build(options, list).unwrap_err().to_string();
        let (_, problem) = error.split_once("list").unwrap_or(("", &error));
        problem.to_owned()
    }

    fn has(filter: &Filter, password: &str) -> bool {
        filter.contains(PasswordDigest::of_bytes(password.as_bytes()))
    }

    /// Both kinds of lists, with known answers. Empty lines and the line ends of Windows do not count.
    #[test]
    fn a_filter_has_the_passwords_of_its_list_and_no_other() {
        let hashes = format!("{}:86453\r\n\n{}\n{}", SHA1[0], SHA1[1].to_lowercase(), SHA1[2]);
        let words = "\u{feff}password\r\n\ncorrect horse\nzebrafinch";
        for (options, list) in
            [(&["--sha1"] as &[_], &*hashes), (&[], &*hashes), (&["--words"], words)]
        {
            let (built, filter) = build(options, list.as_bytes()).unwrap();
            assert_eq!((built.lines, built.passwords), (4, 3), "{options:?}");
            for password in ["password", "correct horse", "zebrafinch"] {
                assert!(has(&filter, password), "{options:?} {password}");
            }
            for password in ["password ", "Password", "horse", SHA1[0], "\u{feff}password"] {
                assert!(!has(&filter, password), "{options:?} {password}");
            }
        }
    }

    #[test]
    fn passwords_that_were_seen_too_seldom_are_left_out() {
        let list = format!("{}:86453\n{}:100\n{}:99\n", SHA1[0], SHA1[1], SHA1[2]);
        let (built, filter) = build(&["--min-count", "100"], list.as_bytes()).unwrap();
        assert_eq!((built.lines, built.passwords), (3, 2));
        assert!(has(&filter, "password") && has(&filter, "correct horse"));
        assert!(!has(&filter, "zebrafinch"));
        let none = problem(&["--min-count", "1000000"], list.as_bytes());
        assert_eq!(none, " has no password that reaches --min-count");
        let uncounted = problem(&["--min-count", "1"], SHA1[0].as_bytes());
        assert_eq!(uncounted, ": it has no count, which --min-count needs");
    }

    /// A message names the number of the line. It does not show the line, because it may be a password.
    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let sha1 = SHA1[0];
        let bad_sha1 = ": it does not start with the 40 hexadecimal digits of a SHA-1";
        let number = |options: &[&str], second: &[u8]| {
            let list = [sha1.as_bytes(), b"\n", second, b"\n", sha1.as_bytes()].concat();
            let error = build(options, &list).unwrap_err().to_string();
            assert!(error.starts_with("line 2 of "), "{error}");
            error.split_once("list").unwrap().1.to_owned()
        };
        assert_eq!(number(&[], &sha1.as_bytes()[1..]), bad_sha1);
        assert_eq!(number(&[], format!("{sha1}0").as_bytes()), bad_sha1);
        assert_eq!(number(&[], b"8846F7EAEE8FB117AD06BDD830B7586C:3"), bad_sha1);
        assert_eq!(number(&[], b"password"), bad_sha1);
        assert_eq!(number(&[], b":5"), bad_sha1);
        assert_eq!(number(&[], format!("{sha1}:many").as_bytes()), ": its count is no number");
        for options in [&[] as &[_], &["--words"]] {
            assert_eq!(number(options, b"p\xe4ssword"), ": it is not UTF-8");
            let long = vec![b'x'; MAX_LINE + 1];
            assert_eq!(number(options, &long), ": it is longer than any password");
        }
        let (built, _) = build(&["--words"], &vec![b'x'; MAX_LINE]).unwrap();
        assert_eq!(built.passwords, 1);
    }

    #[test]
    fn an_empty_list_makes_no_filter() {
        for list in [&b""[..], b"\n\r\n", "\u{feff}".as_bytes()] {
            assert_eq!(problem(&["--words"], list), " has no password");
        }
    }

    /// A filter in use stays unchanged until the new one is complete.
    #[test]
    fn a_list_that_cannot_be_read_leaves_the_old_filter_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["list", "filter"].map(|name| folder.path().join(name));
        let files = [input.to_str().unwrap(), output.to_str().unwrap()];
        let build = parse(&files).unwrap();
        fs::write(&output, "old").unwrap();
        for list in [None, Some("no hash"), Some("")] {
            if let Some(list) = list {
                fs::write(&input, list).unwrap();
            }
            build.run(|_| ()).unwrap_err();
            assert_eq!(fs::read_to_string(&output).unwrap(), "old");
        }
        fs::write(&input, SHA1[0]).unwrap();
        build.run(|_| ()).unwrap();
        Filter::check(&mut File::open(&output).unwrap(), output.metadata().unwrap().len()).unwrap();
        let elsewhere = Build { output: folder.path().join("no/folder/filter"), ..build };
        let error = elsewhere.run(|_| ()).unwrap_err().to_string();
        assert!(error.contains("no/folder/filter cannot be written: "), "{error}");
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        for arguments in [
            &[] as &[&str],
            &["list"],
            &["a", "b", "c"],
            &["--sha256", "a", "b"],
            &["--words", "--sha1", "a", "b"],
            &["--words", "--min-count", "2", "a", "b"],
            &["a", "b", "--min-count"],
            &["a", "b", "--min-count", "0"],
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.exit_code() == 2, "{arguments:?}: {error}");
        }
    }

    #[test]
    fn the_sample_has_passwords_that_are_not_common_ones() {
        let filter = sample().unwrap();
        assert!(filter.count() > 3);
        assert!(has(&filter, "correcthorsebatterystaple"));
        assert!(!has(&filter, "kdjf84jfKKd"));
    }
}
