//! The types of trusted devices, in the library's style.

use accounts::model::TrustedDevice;
use accounts::operations::Caller;
use async_graphql::{ID, SimpleObject};

use crate::scalars::DateTime;

/// A device that the caller trusts: log-ins on it need no second factor until `endsAt`.
#[derive(Debug, SimpleObject)]
#[graphql(name = "TrustedDevice")]
pub(crate) struct TrustedDeviceNode {
    id: ID,
    created_at: DateTime,
    /// When the caller last logged in on it.
    last_used_at: DateTime,
    ends_at: DateTime,
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// Whether the session of the request was opened on it.
    current: bool,
}

impl TrustedDeviceNode {
    pub(crate) fn new(device: TrustedDevice, caller: &Caller) -> Self {
        Self {
            current: caller.session.trusted_device.as_ref() == Some(&device.id),
            id: ID(device.id),
            created_at: DateTime(device.trusted_at),
            last_used_at: DateTime(device.last_used_at),
            ends_at: DateTime(device.ends_at),
            ip_address: device.ip,
            user_agent: device.user_agent,
        }
    }
}
