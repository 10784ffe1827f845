use accounts::config::Settings;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use graphql::FrontSettings;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const ORIGIN: &str = "https://accounts.example";
const TYPED: &str = "somebody typed ann@example.com";

async fn ask(router: &Router, path: &str) -> (StatusCode, String, Value) {
    let request = Request::get(path).header("origin", ORIGIN).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers["access-control-allow-origin"], ORIGIN);
    let id = parts.headers["x-request-id"].to_str().unwrap().to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, id, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_panic_is_an_answer_with_the_requests_id_and_the_next_request_works() {
    let panicking = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("{TYPED}") }))
        .route("/health", get(async || "ok"));
    let settings = Settings::new(|name| (name == "BASE_URL").then(|| ORIGIN.to_owned()));
    let settings = FrontSettings::new(&settings).unwrap();
    let router = graphql::in_layers(panicking, settings.into());
    let (status, id, body) = ask(&router, "/panic").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let result =
        json!({ "detail": "Internal server error.", "code": "internal", "request_id": id });
    assert_eq!(body, result);
    assert_eq!(ask(&router, "/health").await.0, StatusCode::OK);
}
