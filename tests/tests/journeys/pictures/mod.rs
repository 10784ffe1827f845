//! Profile pictures.

use std::sync::Arc;

use journeys::{Actor, Site};

mod bad_days;
pub(crate) mod files;
mod kept;
mod taken;

use files::png;

async fn start() -> (Arc<Site>, Actor) {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    (site, ann)
}

/// Ann has a picture; gives its key.
async fn start_with_picture() -> (Arc<Site>, Actor, String) {
    let (site, ann) = start().await;
    site.set_picture(&ann, png()).await.unwrap();
    let key = site.picture_key(&ann).await.unwrap();
    (site, ann, key)
}

/// Nothing changed: the picture of that key is the user's, and the only object there is.
async fn assert_unchanged(site: &Site, ann: &Actor, key: &str) {
    assert_eq!(site.picture_key(ann).await.as_deref(), Some(key));
    assert_eq!(site.objects().await, [key]);
    assert_eq!(site.picture(ann).await.status, 200);
}
