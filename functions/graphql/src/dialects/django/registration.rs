//! The library's registration, which asks for a password.

use accounts::accounts::Registration;

use super::envelope::answer;
use super::forms::mutations;
use super::mutation::{accounts, confirmed, request_caller};
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
        let (password, refused) = confirmed(&password1, password2);
        let registration = Registration { email, username, password, refused };
        let client = request_caller(ctx).client();
        answer(accounts(ctx).register(registration, client).await)
    }
}
