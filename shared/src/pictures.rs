//! Where profile pictures are kept: the only code that names the SDK of S3.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_types::SdkConfig;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::aws::why;
use crate::error::{AuthError, Refusal, Unavailable, Violation};
use crate::model::Picture;

/// How long a URL works at the least.
const URL_LIFETIME: Duration = Duration::from_hours(1);
/// For how long the URL of a picture stays the same, so that a browser need not load it anew. Seconds.
const URL_STEADY: i64 = 1800;
/// A browser keeps a picture no longer than its URL works. Shared caches do not keep it.
const CACHE_CONTROL: &str = "private, max-age=3600";

/// The pictures of a site, if it keeps any. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pictures(Option<Arc<Bucket>>);

impl Pictures {
    /// Pictures in the bucket of that name, in the AWS that `sdk` leads to; without one, pictures are
    /// off. The client is made with the first call, so that a cold start without pictures does not pay
    /// for it.
    pub fn connect(sdk: &SdkConfig, bucket: Option<String>) -> Self {
        Self::new(configuration(sdk), bucket)
    }

    /// The same, with a configuration that was made elsewhere.
    pub fn new(configuration: Builder, bucket: Option<String>) -> Self {
        let (client, slot) = (OnceLock::new(), Semaphore::new(1));
        Self(bucket.map(|name| Arc::new(Bucket { name, configuration, client, slot })))
    }

    /// The bucket.
    ///
    /// # Errors
    /// [`Refusal::PicturesOff`].
    pub(crate) fn bucket(&self) -> Result<&Bucket, AuthError> {
        self.0.as_deref().ok_or(Refusal::PicturesOff.into())
    }
}

/// A client's configuration. With an endpoint that is not AWS, the bucket goes into the path: a name
/// below `localhost` leads nowhere.
pub fn configuration(sdk: &SdkConfig) -> Builder {
    Builder::from(sdk).force_path_style(sdk.endpoint_url().is_some())
}

/// The bucket that pictures are kept in.
#[derive(Debug)]
pub(crate) struct Bucket {
    name: String,
    configuration: Builder,
    client: OnceLock<Client>,
    /// One picture is decoded at a time: the largest takes 200 MiB.
    slot: Semaphore,
}

impl Bucket {
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::from_conf(self.configuration.clone().build()))
    }

    /// [`Picture::parse`], off the async threads, one at a time.
    ///
    /// # Errors
    /// When the blocking task fails.
    pub(crate) async fn parse(
        &self,
        bytes: Vec<u8>,
    ) -> Result<Result<Picture, Violation>, Unavailable> {
        let _slot = self.slot.acquire().await?;
        Ok(tokio::task::spawn_blocking(move || Picture::parse(&bytes)).await?)
    }

    /// Keeps a picture under that key.
    ///
    /// # Errors
    /// When S3 does not answer, after the SDK's own retries. It may be kept all the same.
    pub(crate) async fn put(&self, key: &str, picture: Picture) -> Result<(), Unavailable> {
        let put = self.client().put_object().bucket(&self.name).key(key);
        let put = put.content_type(picture.format().content_type());
        let put = put.content_disposition("inline").cache_control(CACHE_CONTROL);
        put.body(picture.into_bytes().into()).send().await.map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Deletes the object under that key. A missing object is no error.
    ///
    /// # Errors
    /// When S3 does not answer, after the SDK's own retries.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        let delete = self.client().delete_object().bucket(&self.name).key(key);
        delete.send().await.map_err(|error| failed(&error))?;
        Ok(())
    }

    /// A URL of the object under that key, for anyone who has the URL. It works for at least an hour, or until the
    /// credentials of the function expire. It is signed here, without a call.
    ///
    /// # Errors
    /// When there are no credentials.
    pub(crate) async fn url(&self, key: &str, now: Timestamp) -> Result<String, Unavailable> {
        let since_steady = now.as_second().rem_euclid(URL_STEADY);
        let signed_at = Timestamp::from_second(now.as_second() - since_steady)?;
        let signing = PresigningConfig::builder()
            .start_time(SystemTime::from(signed_at))
            .expires_in(URL_LIFETIME + Duration::from_secs(URL_STEADY.unsigned_abs()))
            .build()?;
        let get = self.client().get_object().bucket(&self.name).key(key);
        Ok(get.presigned(signing).await.map_err(|error| failed(&error))?.uri().to_owned())
    }
}

fn failed<E>(error: &SdkError<E>) -> Unavailable
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    format!("S3: {}", why(error)).into()
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
    use aws_types::region::Region;

    use super::*;

    async fn url(endpoint: Option<&str>) -> String {
        let credentials = Credentials::new("id", "secret", Some("token".to_owned()), None, "test");
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        sdk.set_endpoint_url(endpoint.map(str::to_owned));
        let pictures = Pictures::connect(&sdk.build(), Some("pictures".to_owned()));
        let now = "2026-03-01T12:47:11Z".parse().unwrap();
        pictures.bucket().unwrap().url("profile_pics/a/b.png", now).await.unwrap()
    }

    #[tokio::test]
    async fn a_url_names_the_bucket_where_a_browser_finds_it() {
        let aws = url(None).await;
        let start = "https://pictures.s3.eu-central-1.amazonaws.com/profile_pics/a/b.png?";
        assert!(aws.starts_with(start), "{aws}");
        let local = url(Some("http://127.0.0.1:4566")).await;
        let start = "http://127.0.0.1:4566/pictures/profile_pics/a/b.png?";
        assert!(local.starts_with(start), "{local}");
    }

    #[tokio::test]
    async fn a_url_is_signed_as_of_the_half_hour_and_with_the_credentials_of_the_moment() {
        let url = url(None).await;
        for parameter in [
            "X-Amz-Date=20260301T123000Z",
            "X-Amz-Expires=5400",
            "X-Amz-Security-Token=token",
            "X-Amz-Credential=id%2F20260301%2Feu-central-1%2Fs3%2Faws4_request",
        ] {
            assert!(url.contains(parameter), "{parameter}: {url}");
        }
    }
}
