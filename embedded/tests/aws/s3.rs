//! S3, through the real SDK, and as a browser sees it.

use crate::support::{TEMPLATE, raw_http, s3, start};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use embedded::{Aws, ManualClock, Options, StartError};
use std::time::{Duration, SystemTime};

const BUCKET: &str = "latchkey-pictures";

async fn put(client: &Client, key: &str, body: &'static str) {
    let put = client.put_object().bucket(BUCKET).key(key).content_type("image/png");
    let put = put.content_disposition("inline").cache_control("private, max-age=60");
    put.body(ByteStream::from_static(body.as_bytes())).send().await.unwrap();
}

/// The body; `None` if there is no such object.
async fn get(client: &Client, key: &str) -> Option<String> {
    match client.get_object().bucket(BUCKET).key(key).send().await {
        Ok(found) => {
            let body = found.body.collect().await.unwrap().to_vec();
            Some(String::from_utf8(body).unwrap())
        }
        Err(error) => {
            let error = error.into_service_error();
            assert!(error.is_no_such_key(), "{error:?}");
            None
        }
    }
}

/// Path and query of a URL that was signed at that second, and is valid for a minute.
async fn presigned(client: &Client, key: &str, at: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    let for_a_minute =
        PresigningConfig::builder().start_time(at).expires_in(Duration::from_mins(1));
    let get = client.get_object().bucket(BUCKET).key(key);
    let url = get.presigned(for_a_minute.build().unwrap()).await.unwrap().uri().to_owned();
    let (_, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    format!("/{path}")
}

#[tokio::test]
async fn an_object_stays_until_it_is_deleted() {
    let aws = start().await;
    let client = s3(&aws);
    put(&client, "people/ann smith.png", "ann").await;
    put(&client, "people/bob.png", "bob").await;
    put(&client, "people/bob.png", "bob again").await;
    assert_eq!(get(&client, "people/ann smith.png").await.as_deref(), Some("ann"));
    assert_eq!(get(&client, "people/bob.png").await.as_deref(), Some("bob again"));

    client.delete_object().bucket(BUCKET).key("people/ann smith.png").send().await.unwrap();
    client.delete_object().bucket(BUCKET).key("never there").send().await.unwrap();

    assert_eq!(get(&client, "people/ann smith.png").await, None);
    let listed = client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["people/bob.png"]);
}

#[tokio::test]
async fn a_presigned_url_shows_an_object_to_anybody_until_its_time_is_over() {
    let clock = ManualClock::new(1_000_000);
    let clock_of_aws = Some(std::sync::Arc::new(clock.clone()) as _);
    let aws = Aws::start(Options { clock: clock_of_aws, ..Options::new(TEMPLATE) }).await.unwrap();
    let client = s3(&aws);
    put(&client, "ann smith.png", "ann").await;
    let url = presigned(&client, "ann smith.png", 1_000_000).await;

    clock.set(1_000_060);
    let (status, head, body) = raw_http(&aws, "GET", &url).await;
    assert_eq!((status, body.as_str()), (200, "ann"));
    for header in ["type: image/png", "disposition: inline"] {
        assert!(head.contains(&format!("\r\ncontent-{header}\r\n")), "{head}");
    }
    assert!(head.contains("\r\ncache-control: private, max-age=60\r\n"), "{head}");

    clock.set(1_000_061);
    let (status, _, body) = raw_http(&aws, "GET", &url).await;
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
}

#[tokio::test]
async fn without_a_signature_nothing_is_shown() {
    let aws = start().await;
    put(&s3(&aws), "ann.png", "ann").await;
    let (status, _, body) = raw_http(&aws, "GET", &format!("/{BUCKET}/ann.png")).await;
    assert_eq!(status, 404);
    assert!(body.contains("UnknownOperationException"), "{body}");
}

#[tokio::test]
async fn a_bucket_that_is_not_the_templates_is_not_there() {
    let aws = start().await;
    for bucket in ["another-bucket", "..", "."] {
        let put = s3(&aws).put_object().bucket(bucket).key("ann.png");
        let error = put.body(ByteStream::from_static(b"ann")).send().await.unwrap_err();
        assert_eq!(error.into_service_error().code(), Some("NoSuchBucket"), "{bucket}");
    }
}

#[tokio::test]
async fn objects_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let options = Options { data_dir, ..Options::new(TEMPLATE) };
    let aws = Aws::start(options.clone()).await.unwrap();
    put(&s3(&aws), "people/ann.png", "ann").await;
    aws.stop().await;

    let aws = Aws::start(options).await.unwrap();
    let object = s3(&aws).get_object().bucket(BUCKET).key("people/ann.png").send().await.unwrap();
    assert_eq!(object.content_type(), Some("image/png"));
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"ann");
}

#[tokio::test]
async fn a_template_without_a_bucket_and_a_name_that_is_none_are_refused() {
    let template = TEMPLATE.replace("AWS::S3::Bucket", "AWS::S3::AccessPoint");
    let error = Aws::start(Options::new(template)).await.unwrap_err();
    assert!(matches!(&error, StartError::Template(_)), "{error}");
    for name in ["", "../up", "Pictures", "a/b"] {
        let options = Options { bucket_name: name.to_owned(), ..Options::new(TEMPLATE) };
        let error = Aws::start(options).await.unwrap_err();
        assert!(matches!(&error, StartError::BucketName { .. }), "{name}: {error}");
    }
}
