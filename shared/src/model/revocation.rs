//! Ends of sessions, for services that verify access tokens by themselves.

use serde::{Deserialize, Serialize};

use super::{EventId, EventKind, NewEvent, SessionId, UserId};

/// Which sessions of a user a change ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The one that the event names.
    One,
    /// All, or all but the one that the event names.
    All,
}

impl EventKind {
    /// Which sessions end with a change of this kind.
    pub fn ends(self) -> Option<Ends> {
        match self {
            Self::SessionEnded | Self::RefreshTokenReused => Some(Ends::One),
            Self::OtherSessionsEnded
            | Self::AllSessionsEnded
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::PasswordExpired
            | Self::EmailRestored
            | Self::Archived
            | Self::Deactivated
            | Self::Deleted
            | Self::Banned
            | Self::BanLifted
            | Self::RoleChanged => Some(Ends::All),
            Self::SignedUp
            | Self::Invited
            | Self::SuperuserCreated
            | Self::Imported
            // Only of an account that no user has logged in to.
            | Self::ImportUndone
            | Self::Exported
            | Self::PersonalDataExported
            | Self::AddressVerified
            | Self::LoggedIn
            | Self::ConsoleOpened
            | Self::ConsoleRefused
            | Self::LogInFailed
            | Self::Locked
            | Self::NetworkLocked
            | Self::SecondFactorLocked
            | Self::AppAdded
            | Self::AppRemoved
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasskeyRenamed
            | Self::PasskeyCloned
            | Self::RecoveryCodesReplaced
            | Self::RecoveryCodeUsed
            | Self::DeviceTrusted
            | Self::DeviceTrustEnded
            | Self::SecondFactorRemovalAsked
            | Self::SecondFactorRemovalCanceled
            | Self::SecondFactorRemoved
            | Self::PasswordDisabled
            | Self::PasswordBreached
            | Self::EmailChangeAsked
            | Self::EmailChangeCanceled
            | Self::ProfileChanged
            | Self::EmailChanged
            | Self::SecondaryEmailAsked
            | Self::SecondaryEmailAdded
            | Self::SecondaryEmailRemoved
            | Self::EmailsSwapped
            | Self::MailBounced
            | Self::MailComplained
            | Self::MailFailed
            | Self::EmailStatusCleared
            | Self::Unarchived
            | Self::BanEnded
            | Self::ActivationSent
            | Self::ResetSent
            | Self::LocksLifted
            | Self::NetworkUnlocked
            | Self::StaffRefused => None,
        }
    }
}

/// The end of a session, or of several sessions of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Its id. It sorts after the ids of all sessions that were opened before.
    pub id: EventId,
    /// The user of the sessions.
    pub user_id: UserId,
    /// The session that has ended; `None` if all that were opened before have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<SessionId>,
    /// The session that does not end, if all others end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<SessionId>,
}

impl Revocation {
    /// The end of sessions that comes with an event, if any.
    pub(crate) fn of(event: &NewEvent, id: EventId) -> Option<Self> {
        let (ends, user_id) = (event.event.ends()?, event.user_id?);
        if event.is_refused {
            return None;
        }
        let session = event.detail.as_deref().and_then(|detail| detail.parse().ok());
        let (ended, kept) = match ends {
            Ends::One => (Some(session?), None),
            Ends::All => (None, session),
        };
        Some(Self { id, user_id, ended, kept })
    }
}

/// Ends of sessions, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// The ends.
    pub ends: Vec<Revocation>,
    /// Whether there are older ones that are not listed.
    pub is_truncated: bool,
}
