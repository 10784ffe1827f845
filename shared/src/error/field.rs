//! The inputs of operations.

/// An input that can be refused on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// An e-mail address.
    Email,
    /// A username.
    Username,
    /// A new password.
    Password,
    /// A first name.
    FirstName,
    /// A last name.
    LastName,
    /// The user's position in an organisation.
    Position,
    /// The user's department in an organisation.
    Department,
    /// The new password once more, on the wires that ask for it twice.
    PasswordConfirmation,
    /// A profile picture.
    ProfilePicture,
    /// The reason that staff give.
    Reason,
    /// The end of a ban.
    Until,
    /// The name of a passkey.
    PasskeyName,
}

impl Field {
    /// Whether it is one of the entries of a new password. Each wire has its own names for them.
    pub fn is_password(self) -> bool {
        matches!(self, Self::Password | Self::PasswordConfirmation)
    }

    /// The name, in snake case.
    pub fn snake(self) -> &'static str {
        self.names().0
    }

    /// The name, in camel case.
    pub fn camel(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Email => ("email", "email"),
            Self::Username => ("username", "username"),
            Self::Password => ("password", "password"),
            Self::FirstName => ("first_name", "firstName"),
            Self::LastName => ("last_name", "lastName"),
            Self::Position => ("position", "position"),
            Self::Department => ("department", "department"),
            Self::PasswordConfirmation => ("password_confirmation", "passwordConfirmation"),
            Self::ProfilePicture => ("profile_picture", "profilePicture"),
            Self::Reason => ("reason", "reason"),
            Self::Until => ("until", "until"),
            Self::PasskeyName => ("name", "name"),
        }
    }
}
