//! Where Latchkey differs from django-graphql-auth: each row of the migration guide, with its tests.

mod identity;
mod listing;
mod proofs;
mod wire;

use crate::{
    blank_passwords, conceal, cookies, guessing, notices, pending_sign_ups, requests, sessions,
    sign_up_ends, staff, take_back, throttle, unproven_tokens,
};
use journeys::{Actor, PASSWORD, Site};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../docs/migrate-from-django.md");
const TABLE: &str = "\n| the library | Latchkey | why |\n|---|---|---|\n";

/// The first cell of a row, with the tests that it has.
type Row = (&'static str, &'static [fn()]);

const ROWS: &[Row] = &[
    (
        "usernames and the local part of an address are case-sensitive",
        &[
            identity::a_name_and_an_address_are_taken_whatever_their_case,
            identity::a_name_and_an_address_log_in_in_any_case_and_with_space_around_them,
        ],
    ),
    (
        "a username with spaces around it, or not in NFKC, fails after the mail was sent",
        &[identity::a_username_with_space_around_it_or_not_in_nfkc_is_normalised],
    ),
    (
        "a username may be the address of another user, mix letters of different scripts, or be `admin`",
        &[identity::a_new_username_is_not_taken_for_something_else],
    ),
    (
        "first and last names may contain control characters and line breaks",
        &[identity::a_text_about_oneself_takes_no_control_characters],
    ),
    (
        "the domain of an address is converted to lower case, and otherwise kept as it was typed",
        &[identity::the_domain_of_an_address_is_kept_as_the_dns_has_it],
    ),
    (
        "the number of log-in attempts has no limit",
        &[guessing::the_sixth_guess_from_a_network_waits_a_quarter_of_an_hour_and_so_does_the_right_password],
    ),
    (
        "a failed log-in takes its account out of the archive",
        &[proofs::a_failed_log_in_does_not_unarchive],
    ),
    ("a reset link works again and again for an hour", &[proofs::a_reset_link_works_once]),
    (
        "a link that verifies a second address works again and again",
        &[proofs::a_link_for_a_second_address_works_once],
    ),
    (
        "a link for a second address works after its session has ended, and after a newer request",
        &[
            take_back::requests::a_link_asked_for_in_a_session_that_has_ended_is_void,
            take_back::requests::of_two_addresses_that_are_asked_for_only_the_newest_can_be_had,
        ],
    ),
    (
        "after a swap and a removal, another user can register the removed address at once",
        &[
            take_back::an_address_is_kept_for_its_account_for_seven_days_and_free_after_that,
            take_back::nothing_that_an_attacker_does_in_between_keeps_the_first_address_from_taking_back,
        ],
    ),
    (
        "an access token stays valid after a log-out, a change of the password, and archiving",
        &[proofs::an_access_token_is_dead_after_log_out_password_change_and_archiving],
    ),
    (
        "a refresh token can be used again after its rotation",
        &[proofs::a_refresh_token_that_is_used_again_after_the_grace_ends_the_session],
    ),
    (
        "unverified accounts may log in",
        &[identity::an_unverified_account_has_tokens_from_registration_and_does_not_log_in],
    ),
    (
        "an unverified account can refresh its session",
        &[unproven_tokens::a_refresh_is_refused_until_the_address_is_proven_and_not_used_up_by_that],
    ),
    (
        "an account that is never verified keeps its address and its name",
        &[
            sign_up_ends::a_sign_up_without_a_proof_ends_and_its_address_and_name_are_free,
            sign_up_ends::an_account_of_an_earlier_release_has_no_end,
        ],
    ),
    (
        "a sign-up reveals whether the address has an account",
        &[
            conceal::addresses_of_every_state_are_answered_alike_for_the_same_work,
            pending_sign_ups::a_sign_up_has_no_account_before_its_link_is_used,
        ],
    ),
    (
        "a reset keeps the profile that a stranger gave to an unverified account",
        &[sign_up_ends::the_owner_of_an_address_takes_over_what_a_stranger_made_of_it],
    ),
    (
        "a log-in takes 2.5 ms for an unknown user, and 56 ms for a known one",
        &[identity::an_unknown_user_costs_what_a_known_one_does],
    ),
    (
        "a mail goes to the address in the spelling of the request",
        &[identity::mail_goes_to_the_address_as_its_owner_wrote_it],
    ),
    ("`Authorization: JWT` only", &[wire::an_access_token_is_taken_as_bearer_too]),
    (
        "the library always reads the cookie `JWT`, and does not check the origin of the request",
        &[
            cookies::no_cookie_is_set_or_read_unless_that_is_asked_for,
            cookies::a_mutation_that_another_site_may_have_sent_is_refused,
            cookies::one_bad_cookie_hides_no_other,
        ],
    ),
    (
        "a user may have any number of sessions",
        &[sessions::a_user_has_fifty_sessions_at_most_and_the_oldest_ends_when_one_more_logs_in],
    ),
    ("an integer is a valid value of a string variable", &[wire::an_integer_variable_is_no_string]),
    (
        "`tokenAuth` and `verifyToken` return a failure as data, whatever fields the document selects",
        &[wire::a_failure_that_is_not_asked_for_is_a_graphql_error],
    ),
    (
        "a form needs the CSRF token of Django, or has no protection",
        &[wire::a_browsers_form_must_come_from_the_sites_own_pages],
    ),
    ("`pk` is an `Int`", &[identity::a_pk_is_the_user_id_as_a_string]),
    ("a `null` literal is a syntax error", &[wire::a_null_literal_counts_as_absent]),
    ("a document has no limits", &[wire::a_document_may_ask_for_so_much]),
    ("a password has no maximum length", &[identity::a_password_has_256_code_points_at_most]),
    (
        "a user can set a password of white space",
        &[
            blank_passwords::a_password_of_white_space_is_set_nowhere,
            blank_passwords::a_password_of_white_space_that_an_account_has_is_right_wherever_it_is_asked_for,
        ],
    ),
    (
        "a password may be the name of the site",
        &[identity::a_password_like_the_name_of_the_site_is_refused],
    ),
    (
        "é as one code point, and as two, give different passwords",
        &[identity::a_password_is_the_same_on_every_keyboard],
    ),
    (
        "`\"ann\"@example.com` is another account than `ann@example.com`",
        &[identity::quotes_that_are_not_needed_make_no_other_account],
    ),
    (
        "`SEND_PASSWORD_SET_EMAIL`, off by default, mails the link that sets a first password",
        &[identity::a_sign_up_without_a_password_mails_a_link_to_set_it],
    ),
    (
        "every caller may query `users` and `user`",
        &[listing::users_and_user_show_no_other_user_unless_staff_asks],
    ),
    (
        "the filters `email`, `username` and `status_SecondaryEmail` find only the exact spelling",
        &[listing::users_are_found_by_any_spelling_that_logs_in],
    ),
    (
        "filters read the whole table",
        &[
            listing::a_filter_without_an_index_reads_a_thousand_users,
            listing::an_offset_is_10_000_at_most,
        ],
    ),
    (
        "`username_Istartswith` sorts by the age of the accounts",
        &[listing::many_names_that_start_so_are_listed_by_name],
    ),
    ("a cursor is a number, and every number is a valid cursor", &[listing::a_cursor_is_sealed]),
    (
        "`tokenAuth` in its Relay form refuses a `clientMutationId`",
        &[wire::token_auth_takes_a_client_mutation_id_in_its_relay_form],
    ),
    (
        "the texts of internal errors are Python's",
        &[proofs::garbage_for_a_token_is_an_invalid_token],
    ),
    ("an update of the first or the last name deletes the other name", &[identity::updating_one_name_leaves_the_other]),
    (
        "a registration reports a taken second address only if all other inputs are valid",
        &[identity::the_second_address_of_another_user_is_reported_with_all_other_faults],
    ),
    (
        "`verifyAccount` accepts only the link of a sign-up",
        &[proofs::verify_account_takes_the_link_of_any_address],
    ),
    (
        "an old link is `expired_token`, even if it is a link of another operation",
        &[proofs::a_link_of_another_kind_is_invalid_whatever_its_age],
    ),
    (
        "the number of requested mails has no limit",
        &[
            throttle::an_address_gets_one_mail_a_minute_and_five_an_hour_and_every_answer_is_the_same,
            throttle::notices_come_at_once_however_many_links_a_stranger_asks_for,
        ],
    ),
    (
        "a network can sign up and ask for mails without a limit",
        &[requests::all_requests_of_a_network_that_make_accounts_send_mail_or_try_codes_count_together],
    ),
    (
        "the last superuser can archive or delete the account",
        &[staff::the_last_of_the_staff_can_neither_archive_nor_delete_the_account],
    ),
    (
        "no mail reports a new password, or a refresh token that was used twice",
        &[
            notices::a_changed_password_is_mailed_to_its_user,
            notices::a_session_that_was_used_from_two_places_leads_to_one_mail,
        ],
    ),
    (
        "no mail reports a second address, a swap, a removal, archiving or deletion",
        &[
            take_back::notices::each_step_that_moves_an_account_to_another_address_sends_a_notice,
            take_back::notices::an_owner_who_makes_the_account_inactive_gets_a_notice,
        ],
    ),
    (
        "mails have one language, and are plain text unless templates say otherwise",
        &[notices::mails_use_the_language_of_the_sign_up],
    ),
    (
        "if unverified accounts may log in, a registration without a password sends its mails and then fails",
        &[identity::registration_without_a_password_succeeds_where_unverified_accounts_may_log_in],
    ),
];

#[test]
fn the_guide_and_the_tests_have_the_same_differences() {
    let (_, table) = GUIDE.split_once(TABLE).expect("the table of the guide");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let documented: Vec<_> =
        rows.map(|row| row.split('|').nth(1).unwrap_or_default().trim()).collect();
    let tested: Vec<_> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(documented, tested);
    assert!(ROWS.iter().all(|(_, tests)| !tests.is_empty()));
}

/// The answer to a mutation of a user, or of an anonymous caller.
async fn ask(site: &Site, actor: &Actor, call: &str) -> Value {
    let document = format!("mutation {{ it: {call} {{ success errors }} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["it"].clone()
}

fn anonymous() -> Actor {
    Actor::default()
}

/// The code of the first thing that is wrong with that field.
fn code(answer: &Value, field: &str) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["errors"][field][0]["code"].as_str().unwrap_or_default().to_owned()
}

async fn log_in(site: &Site, how: &str, who: &str) -> Value {
    site.token_auth(json!({ how: who, "password": PASSWORD })).await
}

/// The token of the link that proves that address as a user's second one.
async fn second_address_link(site: &Site, actor: &Actor, address: &str) -> String {
    let arguments = format!("email: \"{address}\", password: \"{PASSWORD}\"");
    let answer = ask(site, actor, &format!("sendSecondaryEmailActivation({arguments})")).await;
    assert_eq!(answer["success"], true, "{answer}");
    site.link_token(address).await
}

async fn verify_second_address(site: &Site, token: &str) -> Value {
    ask(site, &anonymous(), &format!("verifySecondaryEmail(token: \"{token}\")")).await
}
