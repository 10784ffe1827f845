//! The personal data of one user, as a document for that user. It has no hash, no token, and no data about staff.

use jiff::Timestamp;
use serde::Serialize;

use super::{Accounts, Caller};
use crate::error::AuthError;
use crate::model::{
    AuditEvent, EmailStatus, EventKind, Factor, Gender, Languages, NewEvent, Passkey,
    PlainPassword, Role, Session, Trail, TrustedDevice, User, UserId,
};
use crate::telemetry::{note, operation};

/// The maximum number of events in a document, which are the newest ones.
const MOST_EVENTS: usize = 1_000;
/// The number of events in one read.
const PAGE: usize = 100;

/// The personal data of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonalData {
    /// When it was read.
    pub exported_at: Timestamp,
    /// The account.
    pub account: AccountData,
    /// The addresses, the first one first.
    pub addresses: Vec<AddressData>,
    /// The second factors.
    pub second_factors: FactorsData,
    /// The sessions.
    pub sessions: Vec<SessionData>,
    /// The audit trail of the user, newest event first.
    pub activity: Vec<EventData>,
    /// Whether `activity` has all events.
    pub is_activity_complete: bool,
}

/// The account of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, clippy::struct_excessive_bools, reason = "the fields of a user")]
pub struct AccountData {
    pub id: UserId,
    pub legacy_id: Option<String>,
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub gender: Option<Gender>,
    pub position: String,
    pub department: String,
    pub languages: Languages,
    pub role: Role,
    pub is_active: bool,
    pub is_archived: bool,
    pub has_password: bool,
    pub has_picture: bool,
    pub created_at: Timestamp,
    pub last_login_before_import: Option<Timestamp>,
}

/// An address of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of a user")]
pub struct AddressData {
    pub email: String,
    pub is_first: bool,
    pub is_verified: bool,
    pub status: EmailStatus,
}

/// The second factors of [`PersonalData`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FactorsData {
    /// When the user added the authenticator app, if there is one.
    pub app_added_at: Option<Timestamp>,
    /// The passkeys, in the order in which they were added.
    pub passkeys: Vec<PasskeyData>,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
    /// The devices on which log-ins need no second factor, newest trust first.
    pub trusted_devices: Vec<TrustedDeviceData>,
}

/// A trusted device of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of a trusted device")]
pub struct TrustedDeviceData {
    pub trusted_at: Timestamp,
    pub last_used_at: Timestamp,
    pub ends_at: Timestamp,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// A passkey of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of a passkey")]
pub struct PasskeyData {
    pub name: String,
    pub provider: Option<&'static str>,
    pub added_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub is_backed_up: bool,
}

/// A session of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of a session")]
pub struct SessionData {
    pub opened_at: Timestamp,
    pub used_at: Timestamp,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// An event of [`PersonalData`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields of an event")]
pub struct EventData {
    pub at: Timestamp,
    pub event: EventKind,
    pub by: String,
    pub factor: Option<Factor>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

impl Accounts {
    /// Returns the personal data of the caller. It needs the password, and a recent proof of the second factor if the
    /// user has one: a stolen token alone must not be enough to read all data at once.
    ///
    /// # Errors
    /// [`AuthError::NotVerified`], [`AuthError::StepUpRequired`], [`AuthError::InvalidPassword`],
    /// [`AuthError::Throttled`], [`AuthError::Unavailable`].
    pub async fn export_account(
        &self,
        caller: &Caller,
        password: PlainPassword,
    ) -> Result<PersonalData, AuthError> {
        operation!(self.clock, "export_account", async {
            note("user", caller.user.id);
            let user = self.confirmed(caller, password).await?;
            let event = NewEvent::of(EventKind::PersonalDataExported, user.id);
            self.store.add_event(event.with(Factor::Password)).await?;
            Box::pin(self.personal_data(user)).await
        })
    }

    pub(super) async fn personal_data(&self, user: &User) -> Result<PersonalData, AuthError> {
        let (sessions, second_factors, (activity, is_activity_complete)) = tokio::try_join!(
            self.live_sessions(user),
            self.factors_data(user),
            self.all_activity(user.id)
        )?;
        let first = AddressData {
            email: user.email.clone(),
            is_first: true,
            is_verified: user.is_verified,
            status: user.email_status,
        };
        let second = user.secondary_email.clone().map(|email| AddressData {
            email,
            is_first: false,
            is_verified: true,
            status: user.secondary_email_status,
        });
        Ok(PersonalData {
            exported_at: self.clock.now(),
            account: AccountData {
                id: user.id,
                legacy_id: user.legacy_id.clone(),
                username: user.username.clone(),
                first_name: user.first_name.clone(),
                last_name: user.last_name.clone(),
                gender: user.gender,
                position: user.position.clone(),
                department: user.department.clone(),
                languages: user.locale.clone(),
                role: user.role,
                is_active: user.is_active,
                is_archived: user.is_archived,
                has_password: user.password.is_some(),
                has_picture: user.profile_picture.is_some(),
                created_at: user.created_at,
                last_login_before_import: user.last_login,
            },
            addresses: [first].into_iter().chain(second).collect(),
            second_factors,
            sessions: sessions.into_iter().map(session).collect(),
            activity,
            is_activity_complete,
        })
    }

    async fn factors_data(&self, user: &User) -> Result<FactorsData, AuthError> {
        if !user.has_second_factor {
            return Ok(FactorsData::default());
        }
        let factors = self.store.factors(user.id).await?;
        let devices = self.live_devices(user, factors.clone());
        Ok(FactorsData {
            app_added_at: factors.app.map(|app| app.added_at),
            passkeys: factors.passkeys.into_iter().map(passkey).collect(),
            recovery_codes_left: factors.recovery_codes.len(),
            trusted_devices: devices.into_iter().rev().map(trusted_device).collect(),
        })
    }

    async fn all_activity(&self, user: UserId) -> Result<(Vec<EventData>, bool), AuthError> {
        let (mut all, mut before) = (Vec::new(), None);
        for _ in 0..MOST_EVENTS / PAGE {
            let page = self.store.trail(Trail::Of(user), before, PAGE).await?;
            let own = page.events.into_iter().filter_map(AuditEvent::for_its_user);
            all.extend(own.map(event));
            before = page.next;
            if before.is_none() {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }
}

fn passkey(passkey: Passkey) -> PasskeyData {
    PasskeyData {
        provider: passkey.credential.aaguid.name(),
        name: passkey.name,
        added_at: passkey.added_at,
        last_used_at: passkey.last_used_at,
        is_backed_up: passkey.credential.backed_up,
    }
}

fn trusted_device(device: TrustedDevice) -> TrustedDeviceData {
    TrustedDeviceData {
        trusted_at: device.trusted_at,
        last_used_at: device.last_used_at,
        ends_at: device.ends_at,
        ip: device.ip,
        user_agent: device.user_agent,
    }
}

fn session(session: Session) -> SessionData {
    SessionData {
        opened_at: session.created_at,
        used_at: session.rotated_at,
        ip: session.ip,
        user_agent: session.user_agent,
    }
}

fn event(event: AuditEvent) -> EventData {
    EventData {
        at: event.at,
        event: event.event,
        by: event.by.to_string(),
        factor: event.factor,
        ip: event.ip,
        user_agent: event.user_agent,
    }
}
