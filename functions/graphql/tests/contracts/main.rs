//! What the function promises its clients: its schemas, its documents, and the rules of its dialects.

mod api;
mod dialects;
mod library;
mod openapi;
mod schema;
mod tokens;
