//! Rotates refresh tokens, and records the use of sessions without them.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use crate::model::{Client, Session, SessionId, UserId};
use crate::store::Store;
use crate::store::item::{Key, n, s};
use crate::store::transaction::{StoreError, refused_update};
use crate::store::version::{ItemKind, KNOWN, KNOWN_NAME, known, read};

/// The refresh token of a request: the part that the store needs.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken {
    /// The user of the token.
    pub user_id: UserId,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// Which of the session's refresh tokens it is; `None` if the session has the same one all the time.
    pub generation: Option<u64>,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session as it is now: either rotated by this call, or by another with the same token
    /// within the grace.
    Done(Session),
    /// The token was used before, and the grace period has ended: an attacker may have a copy. The session is still
    /// alive.
    Reused(Session),
    /// The session does not exist, or has expired.
    Gone,
}

impl Store {
    /// Rotates the refresh token by one conditional update. If the condition fails, the answer has the present item,
    /// so grace and theft can be distinguished without another read.
    pub async fn rotate_session(
        &self,
        presented: PresentedToken,
        expires_at: i64,
        client: &Client,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let Client { ip, user_agent, .. } = client.for_keeping();
        let request = self.client.update_item().table_name(&self.table);
        let request = match presented.generation {
            None => request.condition_expression(format!("expires_at > :now AND {KNOWN}")),
            Some(generation) => request
                .condition_expression(format!(
                    "generation = :generation AND expires_at > :now AND {KNOWN}"
                ))
                .expression_attribute_values(":generation", n(generation)),
        };
        let answer = request
            .set_key(Some(Key::session(presented.user_id, presented.session_id).attributes()))
            .update_expression(
                "SET generation = generation + :one, rotated_at = :rotated_at, \
                 expires_at = :expires_at, ip = :ip, user_agent = :user_agent",
            )
            .expression_attribute_names(KNOWN_NAME.0, KNOWN_NAME.1)
            .expression_attribute_values(":known", known(ItemKind::Session))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":rotated_at", s(now.to_string()))
            .expression_attribute_values(":expires_at", n(expires_at))
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":ip", text_or_null(ip))
            .expression_attribute_values(":user_agent", text_or_null(user_agent))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(updated) => Ok(Rotated::Done(read(updated.attributes.unwrap_or_default())?)),
            Err(error) => match refused_update(error)? {
                Some(item) => Ok(compare(read(item)?, presented, grace, now)),
                None => Ok(Rotated::Gone),
            },
        }
    }

    /// Records the use of a session that has no refresh tokens, and until when it lives now. Without effect on one that
    /// has ended.
    pub async fn record_use(
        &self,
        session: &Session,
        expires_at: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let request = self.client.update_item().table_name(&self.table);
        let answer = request
            .set_key(Some(Key::session(session.user_id, session.id).attributes()))
            .update_expression("SET rotated_at = :now_text, expires_at = :expires_at")
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now_text", s(now.to_string()))
            .expression_attribute_values(":expires_at", n(expires_at))
            .expression_attribute_values(":now", n(now.as_second()))
            .send()
            .await;
        answer.map(drop).or_else(|error| refused_update(error).map(drop))
    }
}

fn compare(
    session: Session,
    presented: PresentedToken,
    grace: SignedDuration,
    now: Timestamp,
) -> Rotated {
    let Some(generation) = presented.generation else { return Rotated::Gone };
    let is_grace =
        session.generation == generation + 1 && now.duration_since(session.rotated_at) <= grace;
    if now.as_second() >= session.expires_at || session.generation < generation {
        Rotated::Gone
    } else if is_grace {
        Rotated::Done(session)
    } else {
        Rotated::Reused(session)
    }
}

fn text_or_null(text: Option<String>) -> AttributeValue {
    text.map_or(AttributeValue::Null(true), s)
}
