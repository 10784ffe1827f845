//! The kinds of events: the inventory.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind,)+
        }

        impl EventKind {
            /// All of them, in the order of the inventory.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its name in the table, in the APIs and in the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// What it says, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

kinds! {
    /// The account was created by a sign-up.
    SignedUp = "signed_up",
    /// The account was created by staff, who invited the user.
    Invited = "invited",
    /// The account of a superuser was created by the command line.
    SuperuserCreated = "superuser_created",
    /// The account was created by an import.
    Imported = "imported",
    /// The import was undone, and this account was deleted with it. The user had not used the account.
    ImportUndone = "import_undone",
    /// All users were exported, with the hashes of their passwords.
    Exported = "exported",
    /// The personal data of the user was exported: by the user, or by staff.
    PersonalDataExported = "personal_data_exported",
    /// The address was verified: by the user, by staff, or because the account was created with a verified address.
    AddressVerified = "address_verified",
    /// A session was opened.
    LoggedIn = "logged_in",
    /// A member of staff opened the console.
    ConsoleOpened = "console_opened",
    /// The password or passkey was right, but the user is not staff, or the network is not in `STAFF_NETWORKS`.
    ConsoleRefused = "console_refused",
    /// A wrong code of a second factor reached the limit: the second step is locked for a time.
    SecondFactorLocked = "second_factor_locked",
    /// The user added an authenticator app.
    AppAdded = "app_added",
    /// The user removed the authenticator app.
    AppRemoved = "app_removed",
    /// The user added a passkey.
    PasskeyAdded = "passkey_added",
    /// The user removed a passkey.
    PasskeyRemoved = "passkey_removed",
    /// The user gave a passkey another name.
    PasskeyRenamed = "passkey_renamed",
    /// A passkey was refused, because its signature counter went back: a copy of it may exist.
    PasskeyCloned = "passkey_cloned",
    /// The user got new recovery codes. The old ones no longer work.
    RecoveryCodesReplaced = "recovery_codes_replaced",
    /// A recovery code was used. `count` is how many are left.
    RecoveryCodeUsed = "recovery_code_used",
    /// The user trusted a device: log-ins on it need no second factor until the end of the trust. `detail` is the session.
    DeviceTrusted = "device_trusted",
    /// The user ended trusts in devices. `count` is how many.
    DeviceTrustEnded = "device_trust_ended",
    /// Staff asked for the removal of the second factors. `detail` is when it takes effect.
    SecondFactorRemovalAsked = "second_factor_removal_asked",
    /// The user proved a second factor, or staff withdrew the request: so the second factors stay.
    SecondFactorRemovalCanceled = "second_factor_removal_canceled",
    /// The second factors were removed: after a request of staff, by an operator, or because a former address took the
    /// account back.
    SecondFactorRemoved = "second_factor_removed",
    /// A password was wrong: the first or the 50th in a row. `count` is the number.
    LogInFailed = "log_in_failed",
    /// Log-ins are refused for a time, after 10 wrong passwords in a row.
    Locked = "locked",
    /// Attempts or requests from a network are refused for a time: it has reached a limit.
    NetworkLocked = "network_locked",
    /// The password is disabled until a reset, after 100 wrong passwords in a row.
    PasswordDisabled = "password_disabled",
    /// A session was ended: by its user, or by staff.
    SessionEnded = "session_ended",
    /// All sessions but one were ended by the user.
    OtherSessionsEnded = "other_sessions_ended",
    /// All sessions were ended.
    AllSessionsEnded = "all_sessions_ended",
    /// A refresh token was used twice, so its session was ended: a copy of it may exist.
    RefreshTokenReused = "refresh_token_reused",
    /// The password was changed by a user who knew it.
    PasswordChanged = "password_changed",
    /// A password was set by a mailed link.
    PasswordReset = "password_reset",
    /// Staff expired the password: the user can log in only after a reset.
    PasswordExpired = "password_expired",
    /// The password is in a list of breached passwords.
    PasswordBreached = "password_breached",
    /// A change of the first address was requested.
    EmailChangeAsked = "email_change_asked",
    /// The owner of the present first address canceled the request for another one.
    EmailChangeCanceled = "email_change_canceled",
    /// The names, the picture or other facts of the profile were changed.
    ProfileChanged = "profile_changed",
    /// The first address was changed.
    EmailChanged = "email_changed",
    /// The owner of a former first address took the account back.
    EmailRestored = "email_restored",
    /// A second address was requested.
    SecondaryEmailAsked = "secondary_email_asked",
    /// A second address was added.
    SecondaryEmailAdded = "secondary_email_added",
    /// The second address was removed.
    SecondaryEmailRemoved = "secondary_email_removed",
    /// The first and the second address were swapped.
    EmailsSwapped = "emails_swapped",
    /// A mail to the user bounced, so Latchkey sends no more mail to its address.
    MailBounced = "mail_bounced",
    /// The recipient of a mail complained about it.
    MailComplained = "mail_complained",
    /// A mail to the user could not be sent.
    MailFailed = "mail_failed",
    /// Latchkey sends mail to all addresses of the user again.
    EmailStatusCleared = "email_status_cleared",
    /// The user archived the account.
    Archived = "archived",
    /// The user logged in to an archived account, so it is not archived any more.
    Unarchived = "unarchived",
    /// The user deleted the account, and its data stays.
    Deactivated = "deactivated",
    /// The account and its data were deleted for good: on request, or because the address was not verified in time.
    Deleted = "deleted",
    /// Staff banned the user.
    Banned = "banned",
    /// Staff lifted the ban.
    BanLifted = "ban_lifted",
    /// The user logged in for the first time after a ban that ended by itself.
    BanEnded = "ban_ended",
    /// Staff gave the user another role.
    RoleChanged = "role_changed",
    /// Staff sent an activation mail.
    ActivationSent = "activation_sent",
    /// Staff sent a mail with a password reset link.
    ResetSent = "reset_sent",
    /// Staff lifted the locks of the account.
    LocksLifted = "locks_lifted",
    /// Staff lifted the locks of a network.
    NetworkUnlocked = "network_unlocked",
    /// A member of staff tried an operation that the role does not allow.
    StaffRefused = "staff_refused",
}

impl EventKind {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_documentation_has_every_kind_of_event() {
        const BEGIN: &str =
            "<!-- kinds of events: written by `UPDATE_EXPECT=1 cargo test -p accounts` -->";
        const END: &str = "<!-- end of kinds of events -->";
        let head = "| event | meaning |\n|---|---|\n";
        let row = |kind: &EventKind| format!("| `{kind}` | {} |\n", kind.about());
        let rows: String = EventKind::ALL.iter().map(row).collect();
        let documented = include_str!("../../../../docs/admin.md");
        let (before, rest) = documented.split_once(BEGIN).unwrap();
        let (found, after) = rest.split_once(END).unwrap();
        let expected = format!("\n\n{head}{rows}\n");
        if found == expected {
            return;
        }
        if Settings::from_environment().given("UPDATE_EXPECT").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/admin.md");
            std::fs::write(file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
            return;
        }
        panic!("UPDATE_EXPECT=1 cargo test -p accounts writes this into docs/admin.md:{expected}");
    }

    #[test]
    fn the_inventory_has_at_least_thirty_kinds_each_with_a_name_and_a_sentence() {
        assert!(EventKind::ALL.len() >= 30);
        for kind in EventKind::ALL {
            assert_eq!(EventKind::named(kind.name()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!(kind.about().ends_with('.'), "{kind}");
        }
    }
}
