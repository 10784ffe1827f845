//! The dialect of django-graphql-auth, which these modules call the library: camelCase mutations; a failure is data.

mod activity;
mod envelope;
mod factors;
mod forms;
mod log_in_by_mail;
mod mutation;
mod passkeys;
mod query;
mod registration;
mod trusted_devices;
mod types;

pub use factors::{DjangoFactors, RelayFactors};
pub use log_in_by_mail::{DjangoMailLogIn, RelayMailLogIn};
pub use mutation::{DjangoMutation, RelayMutation};
pub use passkeys::{DjangoPasskeys, PasskeyQuery, RelayPasskeys};
pub use query::DjangoQuery;
pub use registration::{DjangoRegistration, RelayRegistration, passwordless};

use super::{Dialect, RootField, as_sent};

pub(crate) static DIALECT: Dialect = Dialect {
    name: "django",
    fields: &[
        RootField::cheap("me"),
        RootField::cheap("user"),
        RootField::costly("users").list(),
        RootField::cheap("sessions").list(),
        RootField::cheap("trustedDevices").list(),
        RootField::cheap("recentActivity").list(),
        RootField::costly("register"),
        RootField::cheap("verifyAccount"),
        RootField::costly("resendActivationEmail"),
        RootField::cheap("updateAccount"),
        RootField::costly("exportAccount"),
        RootField::costly("archiveAccount"),
        RootField::costly("deleteAccount"),
        RootField::costly("sendSecondaryEmailActivation"),
        RootField::costly("verifySecondaryEmail"),
        RootField::costly("swapEmails"),
        RootField::costly("removeSecondaryEmail"),
        RootField::cheap("cancelEmailChange"),
        RootField::costly("restoreEmail"),
        RootField::costly("sendPasswordResetEmail"),
        RootField::costly("passwordReset"),
        RootField::costly("passwordSet"),
        RootField::costly("passwordChange"),
        RootField::costly("tokenAuth"),
        RootField::cheap("verifyToken"),
        RootField::cheap("refreshToken"),
        RootField::cheap("revokeToken"),
        RootField::cheap("endSession"),
        RootField::cheap("endOtherSessions"),
        RootField::cheap("logout"),
        RootField::costly("sendLoginEmail"),
        RootField::cheap("loginByEmail"),
        RootField::cheap("showLoginCode"),
        RootField::costly("completeLogin"),
        RootField::costly("stepUp"),
        RootField::costly("beginApp"),
        RootField::costly("addApp"),
        RootField::costly("removeApp"),
        RootField::costly("replaceRecoveryCodes"),
        RootField::cheap("endTrustedDevice"),
        RootField::cheap("endTrustedDevices"),
        RootField::cheap("passkeys").list(),
        RootField::costly("beginPasskey"),
        RootField::costly("addPasskey"),
        RootField::cheap("renamePasskey"),
        RootField::costly("removePasskey"),
        RootField::cheap("beginPasskeyLogin"),
        RootField::cheap("passkeyLogin"),
        RootField::cheap("beginPasskeyStep"),
        RootField::cheap("completeLoginByPasskey"),
        RootField::cheap("beginStepUp"),
        RootField::cheap("stepUpByPasskey"),
    ],
    uploads: &[],
    rewrite: as_sent,
};
