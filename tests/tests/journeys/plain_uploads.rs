//! Pictures that come with a document, in the form of the GraphQL multipart request specification.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use journeys::{Answer, Site};
use serde_json::{Value, json};

use crate::pictures::files::png;
use crate::plain::{UPDATE, fields, update};

/// A request with a file, as Apollo's upload link and Postman send it.
async fn upload(site: &Site, headers: &[(&str, &str)], file: &[u8]) -> Answer {
    let operations = json!({ "query": UPDATE,
        "variables": { "input": { "firstName": "Ali", "profilePicture": null } } });
    upload_as(site, headers, &operations.to_string(), file).await
}

async fn upload_as(site: &Site, headers: &[(&str, &str)], operations: &str, file: &[u8]) -> Answer {
    let map = "{\"0\": [\"variables.input.profilePicture\"]}";
    upload_by(site, headers, operations, map, file).await
}

async fn upload_by(
    site: &Site,
    headers: &[(&str, &str)],
    operations: &str,
    map: &str,
    file: &[u8],
) -> Answer {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{map}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend(file);
    body.extend(b"\r\n--b--\r\n");
    let mut all = vec![("content-type", "multipart/form-data; boundary=b")];
    all.extend(headers);
    site.send(Method::POST, "/graphql", &all, body).await
}

#[tokio::test]
async fn a_picture_comes_with_the_document_and_goes_by_null() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let answer = upload(&site, &[("authorization", &header)], &png()).await.json();
    let user = &answer["data"]["updateUser"]["user"];
    let key = user["profilePicture"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(key.starts_with("profile_pics/"), "{key}");
    assert_eq!(user["firstName"], "Ali");
    let url = site.ask(&ali, "{ me { profilePictureUrl } }", Value::Null).await.json();
    let url = url["data"]["me"]["profilePictureUrl"].as_str().unwrap().to_owned();
    let shown = journeys::show(&url).await;
    assert_eq!(
        (shown.status, &shown.headers["content-type"]),
        (StatusCode::OK, &"image/png".parse().unwrap())
    );

    let answer = update(&site, &ali, json!({ "profilePicture": null })).await.json();
    assert_eq!(answer["data"]["updateUser"]["user"]["profilePicture"], Value::Null, "{answer}");
    assert_eq!(site.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_picture_comes_through_api_gateway() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let operations =
        json!({ "query": UPDATE, "variables": { "input": { "profilePicture": null } } });
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n\
         {{\"0\": [\"variables.input.profilePicture\"]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\n"
    )
    .into_bytes();
    body.extend(png());
    body.extend(b"\r\n--b--\r\n");
    let event = json!({ "version": "2.0", "routeKey": "$default", "rawPath": "/graphql",
        "rawQueryString": "", "isBase64Encoded": true, "body": STANDARD.encode(&body),
        "headers": { "content-type": "multipart/form-data; boundary=b",
            "authorization": ali.authorization() },
        "requestContext": { "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d",
            "requestId": "r", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "http": { "method": "POST", "path": "/graphql", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "t" } } });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let (parts, body) = request.into_parts();
    let lambda_http::Body::Binary(bytes) = body else { panic!("the body was text") };
    let request = axum::http::Request::from_parts(parts, axum::body::Body::from(bytes));
    let answer = site.respond(request).await.json();
    assert!(answer["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_file_that_is_no_picture_leaves_everything_as_it_was() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let headers = [("authorization", header.as_str())];
    upload(&site, &headers, &png()).await;
    let before = (site.dump().await, site.objects().await);
    for (file, code) in [
        (Vec::new(), "picture_empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "picture_invalid"),
        (png()[..60].to_vec(), "picture_invalid"),
        (vec![0; 2 * 1024 * 1024 + 1], "picture_too_large"),
    ] {
        let answer = upload(&site, &headers, &file).await;
        assert_eq!(fields(&answer)["profilePicture"][0]["code"], code, "{}", answer.text);
    }
    let huge = upload(&site, &headers, &vec![0; 3 * 1024 * 1024]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!((site.dump().await, site.objects().await), before);
}

#[tokio::test]
async fn a_file_that_did_not_come_along_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let before = site.dump().await;
    for input in [
        json!({ "profilePicture": "#__graphql_file__:0" }),
        json!({ "profilePicture": "#__graphql_file__:x" }),
        json!({ "profilePicture": "a.png" }),
        json!({ "firstName": "#__graphql_file__:0" }),
    ] {
        let answer = update(&site, &ali, input.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{input}: {}", answer.text);
    }
    let literal =
        "mutation { updateUser(input: {profilePicture: \"#__graphql_file__:0\"}) { ok } }";
    let answer = site.ask(&ali, literal, Value::Null).await;
    assert_eq!(fields(&answer)["profilePicture"][0]["code"], "required", "{}", answer.text);
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_map_that_leads_nowhere_leaves_the_picture_and_all_else_as_it_was() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let headers = [("authorization", header.as_str())];
    upload(&site, &headers, &png()).await;
    let before = (site.dump().await, site.objects().await);
    let operations = json!({ "query": UPDATE,
        "variables": { "input": { "firstName": "New", "profilePicture": null } } });
    for map in [
        "{}",
        "{\"0\":[]}",
        "{\"0\":[\"variables.nope.x\"]}",
        "{\"0\":[\"variables.input.profilepicture\"]}",
        "{\"0\":[\"0.variables.input.profilePicture\"]}",
        "{\"0\":[\"variables.input.firstName\"]}",
        "{\"0\":[\"variables.input\"]}",
        "{\"0\":[\"query\"]}",
    ] {
        let answer = upload_by(&site, &headers, &operations.to_string(), map, &png()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{map}: {}", answer.text);
    }
    assert_eq!((site.dump().await, site.objects().await), before);
}

#[tokio::test]
async fn a_picture_whose_variable_has_no_value_is_left_alone() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    upload(&site, &[("authorization", &ali.authorization())], &png()).await;
    let document = "mutation($f: Upload, $n: String) {
        updateUser(input: {profilePicture: $f, firstName: $n}) { user { profilePicture } } }";
    let kept = site.ask(&ali, document, json!({ "n": "Ali" })).await.json();
    assert!(kept["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{kept}");
    let gone = site.ask(&ali, document, json!({ "n": "Ali", "f": null })).await.json();
    assert_eq!(gone["data"]["updateUser"]["user"]["profilePicture"], Value::Null, "{gone}");
}

#[tokio::test]
async fn a_form_that_is_not_whole_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    for operations in ["", "[]", "{}", "{\"query\": 1}", "not json"] {
        let headers = [("authorization", header.as_str())];
        let answer = upload_as(&site, &headers, operations, &png()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{operations}: {}", answer.text);
    }
    for content_type in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b"]
    {
        let headers = [("authorization", header.as_str()), ("content-type", content_type)];
        let answer = site.send(Method::POST, "/graphql", &headers, "--b--").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{content_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_document_in_a_form_is_no_longer_than_any_other() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let header = ali.authorization();
    let long = |bytes: usize| {
        let query = format!("{UPDATE} #{}", "x".repeat(bytes - UPDATE.len() - 2));
        let variables = json!({ "input": { "firstName": "Ali", "profilePicture": null } });
        json!({ "query": query, "variables": variables }).to_string()
    };
    let headers = [("authorization", header.as_str())];
    for bytes in [64 * 1024 + 1, 2_000_000] {
        let answer = upload_as(&site, &headers, &long(bytes), &png()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_file_of_an_anonymous_caller_is_refused_before_the_document_is_read() {
    let site = Site::start().await;
    let operations = |query: &str| {
        let variables = json!({ "input": { "profilePicture": null } });
        json!({ "query": query, "variables": variables }).to_string()
    };
    for authorization in ["x", "JWT garbage", "Bearer garbage"] {
        let headers = [("authorization", authorization)];
        for query in [UPDATE, "{ this is no document", "{ me { id } }"] {
            let answer = upload_as(&site, &headers, &operations(query), &png()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
            assert_eq!(answer.code().as_deref(), Some("unauthenticated"), "{}", answer.text);
        }
    }
    assert_eq!(site.calls.take(), journeys::Calls::default());
}

#[tokio::test]
async fn a_form_that_another_site_may_have_sent_is_refused() {
    let site = Site::start().await;
    let ali = site.signed_in("ali").await;
    let site = site.restarted_with(&[("TOKENS_IN_COOKIES", "true")]);
    let cookie = format!("JWT={}", ali.access);
    let answer = upload(&site, &[("cookie", &cookie)], &png()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let evil = [
        ("cookie", cookie.as_str()),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(upload(&site, &evil, &png()).await.status, StatusCode::FORBIDDEN);
    let own = [("cookie", cookie.as_str()), ("origin", "https://accounts.example")];
    let answer = upload(&site, &own, &png()).await.json();
    assert!(answer["data"]["updateUser"]["user"]["profilePicture"].is_string(), "{answer}");
}
