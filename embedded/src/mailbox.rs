use crate::lock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How many mails are kept; the oldest go first.
const LIMIT: usize = 10_000;

/// The mails that SES took. With a data folder they survive a restart. Clones are one mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    inner: Arc<Mutex<Inner>>,
}

/// A mail that SES took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The message id that SES answered with.
    pub id: String,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// The sender, as given: `Site <no-reply@example.com>`.
    pub source: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Those who get a copy.
    pub cc: Vec<String>,
    /// Those who get a copy unseen.
    pub bcc: Vec<String>,
    /// Where answers go.
    pub reply_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
    /// The configuration set that it was sent with.
    pub configuration_set: Option<String>,
}

impl Mailbox {
    /// A mailbox that lives as long as the process.
    pub(crate) fn in_memory() -> Self {
        Self::holding(VecDeque::new(), None)
    }

    /// The mailbox kept in `path`, a file of one JSON object a line. Lines that cannot be read,
    /// such as one that was being written when the machine stopped, are left out.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut messages: VecDeque<Message> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        messages.drain(..messages.len().saturating_sub(LIMIT));
        let log = Log::rewrite(path, &messages)?;
        Ok(Self::holding(messages, Some(log)))
    }

    fn holding(messages: VecDeque<Message>, log: Option<Log>) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { messages, log })) }
    }

    /// All mails, the newest last.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.inner).messages.iter().cloned().collect()
    }

    /// Throws all mails away.
    pub fn clear(&self) {
        self.retain(|_| false);
    }

    /// Throws away the mails for which `keep` is false.
    pub(crate) fn retain(&self, keep: impl FnMut(&Message) -> bool) {
        let mut inner = lock(&self.inner);
        inner.messages.retain(keep);
        inner.rewrite_log();
    }

    /// Takes a mail. An error means that it was not written, and was not taken.
    pub(crate) fn take_in(&self, message: Message) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        if let Some(log) = &mut inner.log {
            log.append(&message)?;
        }
        inner.messages.push_back(message);
        if inner.messages.len() > LIMIT {
            inner.messages.pop_front();
        }
        if inner.log.as_ref().is_some_and(|log| log.lines > 2 * LIMIT) {
            inner.rewrite_log();
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Inner {
    messages: VecDeque<Message>,
    log: Option<Log>,
}

impl Inner {
    /// Writes the mails of the mailbox to the file. If that fails, the mailbox still has all mails.
    fn rewrite_log(&mut self) {
        let Some(log) = &mut self.log else { return };
        match Log::rewrite(log.path.clone(), &self.messages) {
            Ok(rewritten) => *log = rewritten,
            Err(error) => tracing::error!(%error, "the mailbox file was not rewritten"),
        }
    }
}

/// The file behind a mailbox: appended to, and rewritten when mails are thrown away.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    lines: usize,
}

impl Log {
    /// Replaces the file as a whole, so that no crash leaves half of it.
    fn rewrite(path: PathBuf, messages: &VecDeque<Message>) -> io::Result<Self> {
        let beside = path.with_extension("new");
        let mut text = Vec::new();
        for message in messages {
            text.extend(line(message)?);
        }
        private(&beside, OpenOptions::new().write(true).create(true).truncate(true))?
            .write_all(&text)?;
        fs::rename(&beside, &path)?;
        let file = private(&path, OpenOptions::new().append(true))?;
        Ok(Self { path, file, lines: messages.len() })
    }

    fn append(&mut self, message: &Message) -> io::Result<()> {
        self.file.write_all(&line(message)?)?;
        self.lines += 1;
        Ok(())
    }
}

fn line(message: &Message) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Opens a file that only its owner may read: mails hold links that log people in.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}
