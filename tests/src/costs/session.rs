//! The costs of a session: its tokens, its end, and what the caller changes.

use serde_json::Value;

use super::metered::{Cost, metered, of_success};
use super::operation::Operation;
use crate::{PASSWORD, Site};

/// The settings of a site with the revocation feed and limits. `&FEED[1..]` are those of a site with limits only.
const FEED: &[(&str, &str)] = &[("REVOCATIONS", "on"), ("THROTTLE", "on")];

impl Operation {
    pub(super) async fn of_a_user(self) -> Cost {
        let site = Site::with(if self == Self::LogOutInFeed { FEED } else { &[] }).await;
        let ann = site.signed_in("ann").await;
        if self == Self::VerifyToken {
            return of_success(&site, site.verify_token(&ann.access)).await;
        }
        if self == Self::Refresh {
            return of_success(&site, site.refresh_token(&ann.refresh)).await;
        }
        if matches!(self, Self::LogOut | Self::LogOutInFeed) {
            return of_success(&site, site.revoke_token(&ann.refresh)).await;
        }
        let (name, cost) = metered(&site, site.me(&ann)).await;
        assert_eq!(name.as_deref(), Some("ann"));
        cost
    }

    pub(super) async fn of_a_caller(self) -> Cost {
        let is_in_feed = matches!(self, Self::EndOtherSessionsInFeed | Self::ChangePasswordInFeed);
        let site = Site::with(if is_in_feed { FEED } else { &FEED[1..] }).await;
        let ann = site.signed_in("ann").await;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "`cost` calls this only for the operations of a caller"
        )]
        let document = match self {
            Self::LogOutAsCaller => "mutation { logout { success } }".to_owned(),
            Self::EndSession => {
                let other = site.accounts.authenticate(&site.log_in(&ann).await.access).await;
                let id = other.map(|caller| caller.session.id.to_string()).unwrap_or_default();
                format!("mutation {{ endSession(id: \"{id}\") {{ success }} }}")
            }
            Self::EndOtherSessions | Self::EndOtherSessionsInFeed => {
                "mutation { endOtherSessions { success } }".to_owned()
            }
            Self::ChangeProfile => {
                "mutation { updateAccount(firstName: \"Ann\") { success } }".to_owned()
            }
            Self::ChangePassword | Self::ChangePasswordInFeed => format!(
                "mutation {{ passwordChange(oldPassword: \"{PASSWORD}\", \
                 newPassword1: \"zmxn73hhQQp\", newPassword2: \"zmxn73hhQQp\") {{ success }} }}"
            ),
            // The only other operation of a caller is `Sessions`.
            _ => "{ sessions { id } }".to_owned(),
        };
        let header = ann.authorization();
        let asked = site.graphql_as(Some(&header), &document, Value::Null);
        let (answer, cost) = metered(&site, asked).await;
        let is_done = answer.text.contains("\"success\":true") || self == Self::Sessions;
        assert!(is_done && answer.code().is_none(), "{}", answer.text);
        cost
    }
}
