//! The picture of the own account on its page.

use axum::http::{Method, StatusCode};
use journeys::{Answer, PASSWORD, Site, Visit};

use super::assert_error_at;
use crate::pictures::files::png;

const PAGE: &str = "/account/picture";

/// Sends the form of the page, as a browser does.
async fn upload(visit: &Visit<'_>, site: &Site, csrf: &str, file: &[u8]) -> Answer {
    let mut body = format!(
        "--frontier\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--frontier\r\n\
         content-disposition: form-data; name=\"picture\"; filename=\"ann.png\"\r\n\
         content-type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend(file);
    body.extend(b"\r\n--frontier--\r\n");
    let headers = [
        ("content-type", "multipart/form-data; boundary=frontier"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", visit.cookie.as_str()),
    ];
    site.send(Method::POST, PAGE, &headers, body).await
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn users_upload_a_picture_see_it_and_remove_it() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    assert!(visit.get("/account").await.text.contains(&format!("href=\"{PAGE}\"")));
    let page = visit.get(PAGE).await;
    assert!(!page.text.contains("<img") && !page.text.contains("remove-picture"), "{}", page.text);

    assert_eq!(
        location(&upload(&visit, &site, &csrf, &png()).await),
        "/account?done=picture-changed"
    );
    let url = site.picture_url(&ann).await.unwrap();
    let page = visit.get(PAGE).await;
    assert!(page.text.contains(&format!("src=\"{}\"", url.replace('&', "&amp;"))), "{}", page.text);
    let origin: Vec<_> = url.splitn(4, '/').take(3).collect();
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("img-src {};", origin.join("/"))), "{policy}");

    let removed = visit.post("/account/remove-picture", &csrf, "").await;
    assert_eq!(location(&removed), "/account?done=picture-removed");
    assert_eq!(site.picture_key(&ann).await, None);
    assert_eq!(site.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_no_picture_is_refused_at_its_field() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    let large = vec![0; (2 << 20) + 1];
    let larger = vec![0; 3 << 20];
    for (file, text) in [
        (&b""[..], "The submitted file is empty."),
        (
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "Upload a PNG, JPEG, WebP or GIF picture.",
        ),
        (&large, "at most 2 MiB"),
        (&larger, "at most 2 MiB"),
    ] {
        let refused = upload(&visit, &site, &csrf, file).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
        assert_error_at(&refused.text, "picture", text);
    }
    assert_eq!(site.picture_key(&ann).await, None);
}

#[tokio::test]
async fn only_a_form_of_this_session_changes_the_picture() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.signed_in("eve").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let foreign = Visit::open(&site, "/account", "eve").await.csrf("/account").await;
    for csrf in ["", &foreign] {
        let refused = upload(&visit, &site, csrf, &png()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    }
    let out = Visit::with(&site, "a=b".to_owned());
    assert_eq!(location(&upload(&out, &site, &foreign, &png()).await), "/account");
    let headers = [("content-type", "text/plain"), ("cookie", visit.cookie.as_str())];
    let other = site.send(Method::POST, PAGE, &headers, PASSWORD).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    assert_eq!(site.picture_key(&ann).await, None);
}

#[tokio::test]
async fn a_site_without_pictures_has_no_page_for_them() {
    let site = Site::with(&[("PICTURES_BUCKET", "")]).await;
    site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    assert!(!visit.get("/account").await.text.contains(PAGE));
    assert_eq!(visit.get(PAGE).await.status, StatusCode::NOT_FOUND);
}
