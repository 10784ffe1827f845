//! Requests of staff.

use accounts::model::{Role, UserId};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Actor, Site};

impl Site {
    /// Registers a user with a role, who logs in.
    pub async fn signed_in_as(&self, role: Role, name: &str) -> Actor {
        let actor = self.signed_in(name).await;
        assert!(self.store.set_role(actor.user_id(), role).await.expect("the table answers"));
        self.log_in(&actor).await
    }

    /// Calls a field with its arguments and its selection, as that user: its answer, or the code of its error.
    pub async fn call(&self, actor: &Actor, kind: &str, field: &str) -> Result<Value, String> {
        let answer = self.ask(actor, &format!("{kind} {{ it: {field} }}"), Value::Null).await;
        match answer.code() {
            Some(code) => Err(code),
            None => Ok(answer.json()["data"]["it"].clone()),
        }
    }

    /// Lets a millisecond pass. Then a member of staff changes a user by the mutation `field`, with the arguments
    /// `more`. Returns the changed user, or the code of the error.
    pub async fn change(
        &self,
        staff: &Actor,
        field: &str,
        user: UserId,
        more: &str,
    ) -> Result<Value, String> {
        // So that the events have an order.
        self.advance(SignedDuration::from_millis(1));
        let call = match field {
            "staffBan" => format!("staffBan(users: [\"{user}\"], {more}) {{ answers {{ code }} }}"),
            "staffDelete" | "staffExportUser" => format!("{field}(user: \"{user}\", {more})"),
            _ => format!("{field}(user: \"{user}\", {more}) {{ {STATE} }}"),
        };
        let answer = self.call(staff, "mutation", &call).await?;
        match answer["answers"][0]["code"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(answer),
        }
    }

    /// The events of a user's trail, newest first, as a member of staff sees them.
    pub async fn events(&self, staff: &Actor, arguments: &str) -> Vec<Value> {
        let call = format!("staffTrail({arguments}, count: 100) {{ events {{ {EVENT} }} }}");
        let trail = self.call(staff, "query", &call).await.expect("a trail");
        trail["events"].as_array().cloned().unwrap_or_else(|| panic!("{trail}"))
    }

    /// The trail of the caller.
    pub async fn activity(&self, actor: &Actor) -> Value {
        let fields = "id at event by detail count factor ipAddress userAgent";
        let document = format!("{{ recentActivity(count: 100) {{ events {{ {fields} }} next }} }}");
        let answer = self.ask(actor, &document, json!({})).await.json();
        answer["data"]["recentActivity"].clone()
    }
}

/// All fields of a user that staff see in a list.
pub const STATE: &str = "id username email secondaryEmail firstName lastName isVerified isActive \
    isArchived role ban { reason until at } createdAt emailStatus secondaryEmailStatus mailNotSent \
    registrationSent resetSent hasSecondFactor secondFactorEndsAt";
/// All fields of an event that staff see.
pub const EVENT: &str = "id at event userId by isRefused reason detail count factor ipAddress \
    userAgent requestId batch";
/// The lists of a user that staff see.
pub const LISTS: &str = "lastLogin sessions { id createdAt lastUsedAt ipAddress userAgent } \
    mails { kind state createdAt to } locks { rule until }";
