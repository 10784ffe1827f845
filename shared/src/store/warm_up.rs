//! The first connection.

use super::Store;
use super::item::s;

/// A key that no item has.
const MISSING: &str = "WARM-UP";

impl Store {
    /// Opens a connection to the table in the background, so that the first request need not. It reads a key that
    /// never exists: that takes half a read unit, and no further permission. No code waits for it: if the table does
    /// not answer, the first request finds out.
    pub fn warm_up(&self) {
        let read = self.client.get_item().table_name(&self.table);
        let read = read.key("pk", s(MISSING)).key("sk", s(MISSING)).projection_expression("pk");
        tokio::spawn(async {
            if read.send().await.is_err() {
                tracing::warn!("the table does not answer yet");
            }
        });
    }
}
