//! Second factors outside of the table: what an export writes, and what an import reads.

use std::collections::BTreeSet;

use super::Accounts;
use crate::crypto::{Hasher, Opened, totp};
use crate::error::AuthError;
use crate::model::factor::{MOST_PASSKEYS, RECOVERY_CODES};
use crate::model::{App, AppRecord, Factors, FactorsRecord, RecoveryCode, UserId};

impl Accounts {
    /// The factors, with the secret of the app in clear.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if `AUTH_SECRET` has lost the key of the secret.
    pub(super) fn factors_record(&self, factors: Factors) -> Result<FactorsRecord, AuthError> {
        let app = factors.app.as_ref().map(|app| {
            let secret = self.app_secret(factors.user_id, app)?;
            let secret = totp::secret_text(&secret.bytes);
            Ok::<_, AuthError>(AppRecord { secret, added_at: Some(app.added_at) })
        });
        let Factors { passkeys, user_handle, recovery_codes, .. } = factors;
        Ok(FactorsRecord { app: app.transpose()?, passkeys, user_handle, recovery_codes })
    }

    /// The factors of a record that [`is_valid`], for that user.
    pub(super) fn factors_of(&self, record: &FactorsRecord, user: UserId) -> Factors {
        let now = self.clock.now();
        let app = record.app.as_ref().and_then(|app| {
            let secret = totp::read_secret(&app.secret)?;
            let secret = self.proofs.vault().lock(&user.to_string(), &secret, &self.random);
            let added_at = app.added_at.unwrap_or(now);
            Some(App { secret, added_at, last_step: 0, last_used_at: added_at })
        });
        let FactorsRecord { passkeys, user_handle, recovery_codes, .. } = record.clone();
        Factors { app, passkeys, user_handle, recovery_codes, ..Factors::none(user) }
    }

    /// The secret of an authenticator app.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if `AUTH_SECRET` has lost its key.
    pub(super) fn app_secret(&self, owner: UserId, app: &App) -> Result<Opened, AuthError> {
        let secret = self.proofs.vault().open(&owner.to_string(), &app.secret);
        let why =
            "the secret of an authenticator app cannot be decrypted: AUTH_SECRET has lost its key";
        secret.ok_or_else(|| AuthError::Unavailable(why.into()))
    }
}

/// Whether a log-in could use the factors of a record: there is one besides the recovery codes, and none is there twice.
pub(super) fn is_valid(record: &FactorsRecord) -> bool {
    let FactorsRecord { app, passkeys, user_handle, recovery_codes } = record;
    let ids: BTreeSet<_> = passkeys.iter().map(|it| &it.credential.id).collect();
    let labels: BTreeSet<_> = recovery_codes.iter().map(|it| &it.label).collect();
    let is_code = |code: &RecoveryCode| code.has_label() && Hasher::can_verify(&code.hash);
    (app.is_some() || !passkeys.is_empty())
        && app.as_ref().is_none_or(|app| totp::read_secret(&app.secret).is_some())
        && (passkeys.is_empty() || user_handle.is_some())
        && passkeys.len() <= MOST_PASSKEYS
        && ids.len() == passkeys.len()
        && recovery_codes.len() <= RECOVERY_CODES
        && labels.len() == recovery_codes.len()
        && recovery_codes.iter().all(is_code)
}
