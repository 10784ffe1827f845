//! The APIs that clients already speak. A dialect owns its names, its envelope, and the inputs that
//! exist only on its wire; it has no rule of its own, and does not know the others.

pub mod django;
pub mod hasura;
pub mod plain;
pub(crate) mod rest;

/// The fields that cost a password hash or a mail, in all dialects.
pub(crate) fn costly() -> Vec<&'static str> {
    [django::COSTLY, hasura::COSTLY, plain::COSTLY].concat()
}

/// The queries that want a `POST`, in all dialects.
pub(crate) fn by_post() -> Vec<&'static str> {
    [hasura::BY_POST].concat()
}
