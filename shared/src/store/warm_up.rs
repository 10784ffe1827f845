//! The first connection.

use super::Store;
use super::item::s;

/// A key that no item has.
const NOBODY: &str = "WARM-UP";

impl Store {
    /// Opens a connection to the table beside all else, so that the first request need not. It reads what is
    /// never there: half a read unit, and no permission that the functions do not have. Nobody waits for it: a
    /// table that does not answer is for the request to find out.
    pub fn warm_up(&self) {
        let read = self.client.get_item().table_name(&self.table);
        let read = read.key("pk", s(NOBODY)).key("sk", s(NOBODY)).projection_expression("pk");
        tokio::spawn(async {
            if read.send().await.is_err() {
                tracing::warn!("the table does not answer yet");
            }
        });
    }
}
