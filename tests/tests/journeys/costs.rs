use journeys::costs::{Attack, Operation};

/// Round trips, and items written, that of the audit trail among them: the table of the design, and further operations.
const LIMITS: [(Operation, usize, usize); 50] = [
    // A look at the counts of the network and the site, one write to each of them; then user, two unique keys, mail,
    // session.
    (Operation::RegisterWithTokens, 4, 8),
    (Operation::Register, 4, 7),
    // One mail more.
    (Operation::RegisterWithoutPassword, 4, 9),
    (Operation::LockedSignUp, 1, 0),
    // Claim, user, two for the rate limit, code, end; the mail is written twice, and the user item gets a flag for
    // the first one.
    (Operation::SendMail, 6, 5),
    // User, used token id; the unique keys of address and name, which lose their end.
    (Operation::VerifyByLink, 2, 5),
    // A look at the counts; the try counts for the address and for the code, before it is compared; then the user is
    // read.
    (Operation::VerifyByCode, 4, 7),
    // Unique key, user, session.
    (Operation::LogInByName, 3, 2),
    (Operation::LogInByEmail, 3, 2),
    // No difference that would reveal who has an account.
    (Operation::WrongPassword, 5, 5),
    (Operation::UnknownUser, 5, 5),
    (Operation::LockedLogIn, 1, 0),
    // A look at the counts, one write; unique key, user; mail.
    (Operation::RequestLogInMail, 5, 2),
    (Operation::RequestLogInMailUnknownAddress, 5, 2),
    // The user, whose epoch says whether the device is known; a look at the counts, one write for the network, one for the
    // code; session, used request; and the count is forgotten.
    (Operation::LogInByCode, 6, 6),
    (Operation::LogInByLink, 2, 3),
    (Operation::WrongCode, 4, 2),
    // As a log-in, without its write.
    (Operation::FirstStep, 3, 0),
    // The try counts before the code is compared: a look and a write. Then user and factors; session, factors, used token
    // id; and the count is forgotten.
    (Operation::SecondStep, 5, 6),
    // The event and the notice of the recovery code.
    (Operation::SecondStepByRecoveryCode, 5, 8),
    (Operation::WrongSecondStep, 3, 1),
    // As a log-in, and the factors, which have the trust. One transaction: session, factors and event.
    (Operation::LogInOnTrustedDevice, 5, 3),
    // The caller; session, factors, and the count twice.
    (Operation::StepUp, 6, 4),
    // User, factors, session, notice, and the count twice.
    (Operation::AddApp, 6, 7),
    // The count of wrong codes twice; user and factors, twice; one transaction: user, factors, session, used token id, notice
    // and events.
    (Operation::AddAppToLogIn, 5, 9),
    // Two requests, each with the caller and the factors: one writes the challenge, the other one deletes it, and
    // writes the factors, the unique key, the session, the notice and the event.
    (Operation::AddPasskey, 7, 8),
    // The count of the network and the challenge; its deletion, the unique key, user and factors; then session, factors
    // and event.
    (Operation::LogInByPasskey, 7, 6),
    // The used token id is one item more.
    (Operation::SecondStepByPasskey, 7, 7),
    (Operation::AuthenticatedQuery, 1, 0),
    (Operation::AnonymousQuery, 0, 0),
    (Operation::VerifyToken, 1, 0),
    (Operation::Refresh, 1, 1),
    // Session, and the ids of its two tokens.
    (Operation::LogOut, 1, 2),
    // The caller first, as for every operation that needs one: one round trip on top of its own.
    (Operation::LogOutAsCaller, 2, 2),
    (Operation::Sessions, 2, 0),
    (Operation::EndSession, 3, 2),
    (Operation::EndOtherSessions, 2, 3),
    // The caller's look-up and the tally of the session, twice, aside: user, session, notice.
    (Operation::ChangePassword, 4, 4),
    // As by link, and the event of the password.
    (Operation::SetPassword, 2, 6),
    // The end of sessions, for the feed, is one item more.
    (Operation::LogOutInFeed, 1, 3),
    (Operation::EndOtherSessionsInFeed, 2, 4),
    (Operation::ChangePasswordInFeed, 4, 5),
    // The caller; user.
    (Operation::ChangeProfile, 2, 2),
    (Operation::ChangePicture, 2, 2),
    // The caller, unique key; user, the mail to the new address and the one to the old one.
    (Operation::ChangeEmail, 3, 4),
    // User, two unique keys, used token id, notice.
    (Operation::VerifyNewEmail, 2, 6),
    // The caller; the index, all its parts at once; the users.
    (Operation::ListUsers, 3, 0),
    // The caller, unique key, user.
    (Operation::FindUser, 3, 0),
    (Operation::PublicKeys, 0, 0),
    // All parts of the index at once.
    (Operation::IdleCleanUp, 1, 0),
];

#[tokio::test]
async fn every_operation_costs_what_the_design_says() {
    let mut measured = Vec::new();
    for operation in Operation::ALL {
        let cost = operation.cost().await;
        measured.push((operation, cost.calls.round_trips, cost.items));
    }
    assert_eq!(measured, LIMITS);
}

#[tokio::test]
async fn a_small_attack_costs_little_and_no_other_user_notices_it() {
    for attack in Attack::ALL {
        // There must be more guesses than hashes. The bounds allow 100 hashes for many accounts, and 20 for one
        // account.
        let attempts = match attack {
            Attack::ManyAccounts => 150,
            Attack::OneAccount | Attack::Wave | Attack::WideWave => 60,
        };
        let found = Box::pin(attack.make(attempts)).await;
        let broken: Vec<_> = found.bounds.iter().filter(|(_, is_kept)| !is_kept).collect();
        assert!(broken.is_empty(), "{attack:?}: {broken:?}, {:?}", found.spent);
    }
}

#[tokio::test]
async fn a_refresh_looks_up_the_user_while_it_rotates_the_session() {
    let cost = Operation::Refresh.cost().await;
    assert_eq!((cost.calls.round_trips, cost.calls.calls), (1, 2));
}

#[tokio::test]
async fn a_log_in_looks_for_the_oldest_session_while_it_writes_the_new_one() {
    let cost = Operation::LogInByName.cost().await;
    // The session and its event are two writes at the same time.
    assert_eq!((cost.calls.round_trips, cost.calls.calls), (3, 6));
}

#[tokio::test]
async fn a_refresh_writes_to_no_index() {
    let cost = Operation::Refresh.cost().await;
    assert!((cost.write_units - 1.0).abs() < f64::EPSILON, "{cost:?}");
}
