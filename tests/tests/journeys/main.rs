//! Journeys across the functions: the API, the stream, the mails, the clean-up.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

mod address_races;
mod at_once;
mod bad_days;
mod bad_input;
mod change_email;
mod change_email_mails;
mod change_email_races;
mod cleanup;
mod conceal;
mod cookies;
mod costs;
mod differences;
mod feedback;
mod first_passwords;
mod hasura;
mod hasura_actions;
mod hasura_guides;
mod hasura_rest;
mod imported;
mod introspection;
mod logs;
mod mail;
mod messages;
mod notices;
mod odd_values;
mod order_of_checks;
mod other_clients;
mod own_account;
mod owner;
mod owner_races;
mod passwordless;
mod passwords;
mod permissions;
mod pictures;
mod plain;
mod races;
mod recordings;
mod refresh;
mod register;
mod relay;
mod rest;
mod rest_input;
mod secondary_email;
mod sent_flags;
mod sessions;
mod settings;
mod smoke;
mod stories;
mod throttle;
mod tokens;
mod users;
mod users_at_scale;
mod verify;
