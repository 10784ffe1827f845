//! A password that an operator gives: from a prompt without echo, or a line of the standard input. Other users of the
//! machine can see arguments and environment variables.

use std::io::{self, BufRead, IsTerminal, Read};

use accounts::AuthError;
use accounts::error::{Field, Violation, Violations};
use accounts::model::PlainPassword;

use super::Failure;

/// The most bytes of the line: more than any password has.
const MAX_LINE: u64 = 4096;

/// The password.
pub(super) fn read() -> Result<PlainPassword, Failure> {
    if io::stdin().is_terminal() {
        let prompt = |text| rpassword::prompt_password(text).map_err(|error| unreadable(&error));
        let (first, second) = (prompt("Password: ")?, prompt("Password again: ")?);
        if first != second {
            let mismatch = vec![Violation::PasswordMismatch];
            return Err(AuthError::from(Violations::of(Field::Password, mismatch)).into());
        }
        return Ok(PlainPassword::new(first));
    }
    let mut line = String::new();
    let mut input = io::stdin().lock().take(MAX_LINE);
    input.read_line(&mut line).map_err(|error| unreadable(&error))?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    if line.is_empty() {
        let problem =
            "no password: give it as a line of the standard input, or run this in a terminal";
        return Err(Failure::Usage(problem.to_owned()));
    }
    Ok(PlainPassword::new(line))
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::Usage(format!("the password cannot be read: {error}"))
}
