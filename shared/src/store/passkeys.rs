//! The unique keys of passkeys, and the challenges to authenticators.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use super::Store;
use super::item::{Key, NewItem, n, s};
use super::transaction::{Part, StoreError, Transaction};
use super::unique_key::{UniqueKey, unique_key};
use super::version::{ItemKind, read};
use crate::model::session::seconds_after;
use crate::model::{ChallengePurpose, Factors, UserId};
use crate::webauthn::{Challenge, CredentialId, TIMEOUT};

/// A challenge to an authenticator that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredChallenge {
    /// Not flattened, because the names of its members are also those of other attributes.
    #[serde(rename = "asked")]
    purpose: ChallengePurpose,
    expires_at: i64,
}

impl Store {
    /// Stores a challenge to an authenticator until its answer, for [`TIMEOUT`] at most.
    pub async fn add_challenge(
        &self,
        challenge: &Challenge,
        purpose: ChallengePurpose,
    ) -> Result<(), StoreError> {
        let expires_at = seconds_after(self.clock.now(), TIMEOUT);
        let item = NewItem::new(Key::challenge(challenge), ItemKind::Challenge);
        let item = item.with_data(&StoredChallenge { purpose, expires_at })?;
        self.add_new(item).await
    }

    /// Uses up a challenge, by one conditional write, so that only one of several answers gets it. `None` if it was
    /// used up before, has expired, or never existed.
    pub async fn take_challenge(
        &self,
        challenge: &Challenge,
    ) -> Result<Option<ChallengePurpose>, StoreError> {
        let request = self.client.delete_item().table_name(&self.table);
        let answer = request
            .set_key(Some(Key::challenge(challenge).attributes()))
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now", n(self.clock.now().as_second()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match answer {
            Ok(deleted) => {
                let stored = deleted.attributes.map(read::<StoredChallenge>).transpose()?;
                Ok(stored.map(|stored| stored.purpose))
            }
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// The user who has that passkey, as far as the unique key says: the factors of the user decide.
    pub async fn passkey_owner(&self, id: &CredentialId) -> Result<Option<UserId>, StoreError> {
        let found = self.get(Key::passkey(id)).await?.map(read::<UniqueKey>).transpose()?;
        Ok(found.map(|unique_key| unique_key.user()))
    }

    /// The unique keys of the passkeys of a user. By a query, because `token-cleanup` may not read items otherwise.
    pub(super) async fn passkeys_of(&self, user: UserId) -> Result<Vec<Key>, StoreError> {
        let Key { pk, sk } = Key::factors(user);
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk = :sk")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":sk", s(sk))
            .send()
            .await?;
        let mut keys = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let factors: Factors = read(item)?;
            keys.extend(factors.passkeys.iter().map(|it| Key::passkey(&it.credential.id)));
        }
        Ok(keys)
    }

    /// As part of a transaction that writes the factors of a user: the unique keys of the passkeys that come and go. A
    /// passkey can come only if no other user has it.
    pub(super) fn passkey_keys(&self, factors: &Factors) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction::default();
        if let Some(id) = &factors.added {
            let unique_key = unique_key(Key::passkey(id), factors.user_id, None);
            let put = self.put_unique_key_of(unique_key)?;
            transaction.add(Part::Passkey, put);
        }
        for id in &factors.dropped {
            let owner = [(":user", s(factors.user_id.to_string()))];
            let condition = "attribute_not_exists(pk) OR user_id = :user";
            transaction.add(Part::Passkey, self.delete_if(Key::passkey(id), condition, owner)?);
        }
        Ok(transaction)
    }
}
