//! Several users at once, as staff see them: a page of a list, and the answers of an action.

use accounts::operations::staff::BatchRow;
use accounts::operations::{Page, Row};
use async_graphql::{ID, SimpleObject};

use super::user::StaffUserRow;
use crate::graphql_error::with_fields;

/// Users, page by page.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffUserConnection {
    page_info: StaffPageInfo,
    edges: Vec<StaffUserEdge>,
}

/// A user in a page.
#[derive(Debug, SimpleObject)]
struct StaffUserEdge {
    node: StaffUserRow,
    /// Opaque.
    cursor: String,
}

/// Where a page lies.
#[derive(Debug, SimpleObject)]
struct StaffPageInfo {
    /// Whether more users follow. If a filter skips many users, a page may be empty although more users follow: go on
    /// with `endCursor`.
    has_next_page: bool,
    /// The same of a page that was read from the end, with `startCursor`.
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

impl From<Page> for StaffUserConnection {
    fn from(page: Page) -> Self {
        let page_info = StaffPageInfo {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page.start,
            end_cursor: page.end,
        };
        let edge = |row: Row| StaffUserEdge { node: (&row.user).into(), cursor: row.cursor };
        Self { page_info, edges: page.rows.into_iter().map(edge).collect() }
    }
}

/// The answer of an action on several users.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffBatch {
    /// Its id in the audit trail; null after a dry run.
    pub(super) batch: Option<ID>,
    /// How many users changed; how many would change, after a dry run.
    pub(super) changed: usize,
    /// One for each user.
    pub(super) answers: Vec<StaffBatchAnswer>,
}

/// The answer for one user of several.
#[derive(Debug, SimpleObject)]
pub(super) struct StaffBatchAnswer {
    id: ID,
    /// The code of the error; null if there is none.
    code: Option<&'static str>,
    message: Option<String>,
    /// The user now.
    user: Option<StaffUserRow>,
}

impl From<BatchRow> for StaffBatchAnswer {
    fn from(row: BatchRow) -> Self {
        let error = row.answer.err().map(with_fields);
        Self {
            id: ID(row.id.to_string()),
            code: error.as_ref().map(|error| error.code.as_str()),
            message: error.map(|error| error.message),
            user: row.user.as_ref().map(StaffUserRow::from),
        }
    }
}
