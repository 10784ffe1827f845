//! Second factors outside of the table: what an export writes, and what an import reads.

use std::collections::BTreeSet;

use super::Accounts;
use crate::crypto::{Hasher, Opened, totp};
use crate::error::AuthError;
use crate::model::factor::{MOST_IMPORTED_CODES, MOST_PASSKEYS, RECOVERY_CODES};
use crate::model::{App, AppRecord, Factors, FactorsRecord, ImportedCode, RecoveryCode, UserId};

impl Accounts {
    /// The factors, with the secret of the app in clear.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if the key of the secret is not in `AUTH_SECRET` any more.
    pub(super) fn factors_record(&self, factors: Factors) -> Result<FactorsRecord, AuthError> {
        let app = factors.app.as_ref().map(|app| {
            let secret = self.app_secret(factors.user_id, app)?;
            Ok::<_, AuthError>(AppRecord {
                secret: totp::secret_text(&secret.bytes),
                added_at: Some(app.added_at),
                last_used_at: Some(app.last_used_at),
                last_step: app.last_step,
            })
        });
        let Factors { passkeys, user_handle, recovery_codes, .. } = factors;
        let (app, plain_recovery_codes) = (app.transpose()?, Vec::new());
        Ok(FactorsRecord { app, passkeys, user_handle, recovery_codes, plain_recovery_codes })
    }

    /// The factors of a record that [`is_valid`], for that user, without its recovery codes in clear.
    pub(super) fn factors_of(&self, record: &FactorsRecord, user: UserId) -> Factors {
        let now = self.clock.now();
        let app = record.app.as_ref().and_then(|app| {
            let secret = totp::read_secret(&app.secret)?;
            let secret = self.proofs.vault().lock(&user.to_string(), &secret, &self.random);
            let added_at = app.added_at.unwrap_or(now);
            let last_used_at = app.last_used_at.unwrap_or(added_at);
            Some(App { secret, added_at, last_step: app.last_step, last_used_at })
        });
        let FactorsRecord { passkeys, user_handle, recovery_codes, .. } = record.clone();
        Factors { app, passkeys, user_handle, recovery_codes, ..Factors::none(user) }
    }

    /// The recovery codes of another system, as the table stores them: all with one salt, so that an attempt costs one
    /// hash.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub(super) async fn imported_codes(
        &self,
        codes: &[ImportedCode],
    ) -> Result<Vec<RecoveryCode>, AuthError> {
        let (salt, mut stored) = (self.random.bytes(), Vec::new());
        for code in codes {
            let hash = self.hasher.hash(code.secret(), salt).await;
            let hash = hash.map_err(AuthError::Unavailable)?;
            stored.push(RecoveryCode { label: String::new(), hash });
        }
        Ok(stored)
    }

    /// The secret of an authenticator app.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if the key of the secret is not in `AUTH_SECRET` any more.
    pub(super) fn app_secret(&self, owner: UserId, app: &App) -> Result<Opened, AuthError> {
        let secret = self.proofs.vault().open(&owner.to_string(), &app.secret);
        let why =
            "the secret of an authenticator app cannot be decrypted: its key is not in AUTH_SECRET";
        secret.ok_or_else(|| AuthError::Unavailable(why.into()))
    }
}

/// Whether a log-in could use the factors of a record: the record has a factor besides the recovery codes, and has no
/// factor twice.
pub(super) fn is_valid(record: &FactorsRecord) -> bool {
    let FactorsRecord { app, passkeys, user_handle, recovery_codes, plain_recovery_codes } = record;
    let ids: BTreeSet<_> = passkeys.iter().map(|it| &it.credential.id).collect();
    (app.is_some() || !passkeys.is_empty())
        && app.as_ref().is_none_or(|app| totp::read_secret(&app.secret).is_some())
        && (passkeys.is_empty() || user_handle.is_some())
        && passkeys.len() <= MOST_PASSKEYS
        && ids.len() == passkeys.len()
        && (recovery_codes.is_empty() || plain_recovery_codes.is_empty())
        && are_codes(recovery_codes)
        && plain_recovery_codes.len() <= MOST_IMPORTED_CODES
        && plain_recovery_codes.iter().all(|code| ImportedCode::parse(&code.0).is_some())
}

/// Whether an attempt at these recovery codes would cost one hash.
fn are_codes(codes: &[RecoveryCode]) -> bool {
    if codes.iter().any(RecoveryCode::is_imported) {
        return codes.len() <= MOST_IMPORTED_CODES
            && codes.iter().all(RecoveryCode::is_imported)
            && Hasher::have_one_salt(codes.iter().map(|code| &code.hash));
    }
    let labels: BTreeSet<_> = codes.iter().map(|it| &it.label).collect();
    codes.len() <= RECOVERY_CODES
        && labels.len() == codes.len()
        && codes.iter().all(|code| code.has_label() && Hasher::can_verify(&code.hash))
}

/// The recovery codes in clear of a record that [`is_valid`], each once.
pub(super) fn plain_codes(record: &FactorsRecord) -> Vec<ImportedCode> {
    let mut codes: Vec<ImportedCode> = Vec::new();
    for code in record.plain_recovery_codes.iter().filter_map(|it| ImportedCode::parse(&it.0)) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}
