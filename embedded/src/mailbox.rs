use crate::lock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The maximum number of mails. Beyond it, the oldest mails are deleted.
const LIMIT: usize = 10_000;

/// The mails that SES accepted. With a data folder, they survive a restart. Clones share one mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    inner: Arc<Mutex<Inner>>,
}

/// A mail that SES accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The message id that SES answered with.
    pub id: String,
    /// The time at which SES accepted it.
    pub timestamp: Timestamp,
    /// The sender, as given: `Site <no-reply@example.com>`.
    pub source: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The recipients of a copy (Cc).
    pub cc: Vec<String>,
    /// The hidden recipients of a copy (Bcc).
    pub bcc: Vec<String>,
    /// The addresses for replies.
    pub reply_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
    /// The configuration set that it was sent with.
    pub configuration_set: Option<String>,
}

impl Mailbox {
    /// A mailbox in memory.
    pub(crate) fn in_memory() -> Self {
        Self::holding(VecDeque::new(), None)
    }

    /// The mailbox in the file `path`, with one JSON object in each line. Skips unreadable lines, such as a line that
    /// was not complete when the machine stopped.
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

    /// All mails, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.inner).messages.iter().cloned().collect()
    }

    /// Deletes all mails.
    pub fn clear(&self) {
        self.retain(|_| false);
    }

    /// Deletes the mails for which `keep` is false.
    pub(crate) fn retain(&self, keep: impl FnMut(&Message) -> bool) {
        let mut inner = lock(&self.inner);
        inner.messages.retain(keep);
        inner.rewrite_log();
    }

    /// Adds a mail. After an error, the mail is neither in the file nor in the mailbox.
    pub(crate) fn add(&self, message: Message) -> io::Result<()> {
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

/// The file of a mailbox. A new mail is appended. A deletion rewrites the file.
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

/// Opens a file that only its owner may read, because mails have links that open accounts.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}
