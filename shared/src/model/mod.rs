//! Plain data, parsed at the edge into types that cannot be invalid. `now` is passed in.

pub mod audit;
pub mod ban;
pub mod color;
pub mod copied;
pub mod email;
pub mod former;
pub mod guessing;
pub mod id;
pub mod language;
pub mod lookalike;
pub mod mail;
pub mod name;
pub mod otp;
pub mod password;
pub mod pending;
pub mod picture;
#[cfg(test)]
mod properties;
mod purpose;
pub mod rate_limit;
pub mod record;
pub mod session;
pub mod tally;
pub mod user;
pub mod username;

pub use audit::{Actor, AuditEvent, EventKind, Factor, NewEvent, Trail, TrailPage};
pub use ban::Ban;
pub use color::Color;
pub use email::Email;
pub use former::{FormerEmail, FormerEmails};
pub use guessing::{Permission, Rule, Scope};
pub use id::{EventId, MailId, SessionId, UserId};
pub use language::Languages;
pub use mail::{Mail, MailKind, MailState, Notice, SentFlag};
pub use otp::OneTimeCode;
pub use password::{PasswordHash, PlainPassword};
pub use pending::{PendingSignUp, SignUp};
pub use picture::Picture;
pub use purpose::Purpose;
pub use rate_limit::{Limits, Quota, Slot, SlotRequest, Slots};
pub use record::{BanRecord, Record};
pub use session::{Client, RefreshTokens, Session};
pub use tally::Tally;
pub use user::{EmailStatus, Gender, Pending, Role, User};
pub use username::Username;
