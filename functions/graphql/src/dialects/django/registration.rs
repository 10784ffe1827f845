//! The library's registration: with a password, or without where the site allows that. Which of the two
//! a schema has is known when it is built, and so are its arguments.

use accounts::error::Violations;
use accounts::operations::{FirstPassword, NewPassword, Registration};

use super::envelope::answer;
use super::forms::mutations;
use super::mutation::request_caller;
use super::types::Register;

mutations! {
    /// Registration with a password.
    (DjangoRegistration, RelayRegistration);

    /// Create an account, and mail an activation link and code to its address.
    async fn register(
        ctx,
        email: String,
        username: String,
        password1: String,
        password2: String,
    ) -> Register {
        let NewPassword { password, refused } = NewPassword::twice(&password1, password2);
        let password = password.map_or(FirstPassword::Refused, FirstPassword::Given);
        let registration = registration(email, username, password, refused);
        answer(request_caller(ctx).register(registration).await)
    }
}

fn registration(
    email: String,
    username: String,
    password: FirstPassword,
    refused: Violations,
) -> Registration {
    Registration { refused, ..Registration::new(email, Some(username), password) }
}

/// Registration without a password.
pub mod passwordless {
    use super::{
        FirstPassword, Register, Violations, answer, mutations, registration, request_caller,
    };

    mutations! {
        /// Registration without a password.
        (DjangoRegistration, RelayRegistration);

        /// Create an account, and mail an activation link and code, and a link by which a password can
        /// be set, to its address.
        async fn register(ctx, email: String, username: String) -> Register {
            let (password, refused) = (FirstPassword::Absent, Violations::default());
            let registration = registration(email, username, password, refused);
            answer(request_caller(ctx).register(registration).await)
        }
    }
}
