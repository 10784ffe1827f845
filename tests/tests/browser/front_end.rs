//! A front end of another origin that calls what `cargo run` starts: the examples of docs/clients.md, in a page.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::product::Product;

const SCRIPTS: [(&str, &str); 3] = [
    ("/session.js", include_str!("../../../examples/session.js")),
    ("/cookies.js", include_str!("../../../examples/cookies.js")),
    ("/upload.js", include_str!("../../../examples/upload.js")),
];
const ANN: &str = "{ email: 'ann@example.com', username: 'ann', password: 'kdjf84jfKKd' }";
const ME: &str = "'{ me { username } }'";

/// A page at a port of its own, which has the examples; its address.
async fn page() -> String {
    let script = |source| get(([(CONTENT_TYPE, "text/javascript")], source));
    let router = Router::new().route("/", get(Html("<!doctype html><title>Front end</title>")));
    let router =
        SCRIPTS.iter().fold(router, |all, (path, source)| all.route(path, script(*source)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}/")
}

/// The result of a script of the page. The script may wait.
async fn run(browser: &Browser, script: &str) -> Value {
    browser.run(&format!("return (async () => {{ {script} }})()")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_port_signs_up_asks_and_logs_out_with_tokens() {
    let product = Product::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    let browser = Browser::start().await;
    let url = product.url("");
    browser.open(&page().await).await;
    let script = format!(
        "const {{ Session }} = await import('/session.js');
         const session = new Session('{url}');
         await session.signUp({ANN});
         const before = session.tokens.access;
         session.tokens.until = 0;
         const names = await Promise.all([1, 2, 3].map(() => session.ask({ME})));
         const isReplaced = session.tokens.access !== before;
         const taken = await session.signUp({ANN}).catch((refused) => refused.codes);
         await session.logOut();
         const after = await session.ask({ME});
         return [names.map(({{ data }}) => data.me.username), isReplaced, taken, after.data.me];"
    );
    let seen = run(&browser, &script).await;
    assert_eq!(seen[0], json!(["ann", "ann", "ann"]));
    assert_eq!(seen[1], true);
    assert!(seen[2].as_array().is_some_and(|codes| codes.contains(&json!("unique"))), "{seen}");
    assert_eq!(seen[3], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_port_reads_refusals_and_their_headers() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    let url = product.url("");
    browser.open(&page().await).await;
    let script = format!(
        "const large = {{ method: 'POST', headers: {{ 'content-type': 'application/json' }},
                          body: 'x'.repeat(3_000_000) }};
         const ask = async (path, init) => {{
             const answer = await fetch('{url}' + path, init);
             return [answer.status, Boolean(answer.headers.get('x-request-id'))];
         }};
         return [
             await ask('/api/accounts/me/', {{ headers: {{ authorization: 'Bearer garbage' }} }}),
             await ask('/api/accounts/me/', {{ method: 'DELETE' }}),
             await ask('/nowhere'),
             await ask('/graphql', large),
             await ask('/.well-known/jwks.json', {{ headers: {{ 'x-apollo-operation-name': 'a' }} }}),
         ];"
    );
    let seen = run(&browser, &script).await;
    assert_eq!(seen, json!([[401, true], [405, true], [404, true], [413, true], [200, true]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_port_logs_in_by_cookies_that_it_cannot_read() {
    let product = Product::with(&[
        ("TOKENS_IN_COOKIES", "true"),
        ("ALLOW_LOGIN_NOT_VERIFIED", "true"),
        ("ACCESS_TOKEN_LIFETIME", "2"),
    ])
    .await;
    let (browser, page) = (Browser::start().await, page().await);
    let url = product.url("");
    let start = format!(
        "const {{ CookieSession }} = await import('/cookies.js');
         const session = new CookieSession('{url}');"
    );
    browser.open(&page).await;
    let script = format!(
        "{start}
         const signUp = await session.signUp({ANN});
         const wrong = await session.logIn({{ username: 'ann', password: 'wrong' }});
         const logIn = await session.logIn({{ username: 'ann', password: 'kdjf84jfKKd' }});
         session.until = 0;
         const {{ data }} = await session.ask({ME});
         return [signUp.success, wrong.success, logIn.success, data.me.username, document.cookie];"
    );
    assert_eq!(run(&browser, &script).await, json!([true, false, true, "ann", ""]));

    // After a reload, and once the access token has expired: nothing but a cookie knows of the session.
    browser.open(&page).await;
    let script = format!(
        "{start}
         const me = {{ method: 'POST', credentials: 'include',
                       headers: {{ 'content-type': 'application/json' }},
                       body: JSON.stringify({{ query: {ME} }}) }};
         while ((await (await fetch(session.endpoint, me)).json()).data.me);
         const names = await Promise.all([1, 2, 3].map(() => session.ask({ME})));
         const logOut = await session.logOut();
         const after = await session.ask({ME});
         return [names.map(({{ data }}) => data.me?.username), logOut.success, after.data.me];"
    );
    assert_eq!(run(&browser, &script).await, json!([["ann", "ann", "ann"], true, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_origin_that_is_not_listed_reads_nothing() {
    let product = Product::with(&[("CORS_ORIGINS", "https://app.example")]).await;
    let browser = Browser::start().await;
    browser.open(&page().await).await;
    let script = format!(
        "const ask = (init) => fetch('{}', init).then(() => 'read', (error) => error.name);
         return [await ask({{}}), await ask({{ headers: {{ authorization: 'JWT x' }} }})];",
        product.url("/health")
    );
    assert_eq!(run(&browser, &script).await, json!(["TypeError", "TypeError"]));
}
