//! The actions of a user in a browser, and the page that the user sees.

use accounts::config::Settings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::driver::DriverSession;

/// WebDriver's name of an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How wide a window is, and how high.
pub(crate) const PHONE: (u32, u32) = (390, 844);
pub(crate) const DESKTOP: (u32, u32) = (1280, 800);
/// Longer than anything takes that happens at all.
const LONG: std::time::Duration = std::time::Duration::from_mins(1);
/// The keys of a keyboard that are not text.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// A person's browser.
#[derive(Debug)]
pub(crate) struct Browser {
    session: DriverSession,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let browser = Self { session: DriverSession::start().await };
        browser.resize(DESKTOP).await;
        browser
    }

    pub(crate) async fn open(&self, url: &str) {
        self.session.post("url", json!({ "url": url })).await;
    }

    pub(crate) async fn click(&self, css: &str) {
        self.on_element(css, &[("click", Some(json!({})))]).await;
    }

    /// Types into a field, in place of its present text.
    pub(crate) async fn fill_in(&self, css: &str, text: &str) {
        let clear = ("clear", Some(json!({})));
        self.on_element(css, &[clear, ("value", Some(json!({ "text": text })))]).await;
    }

    /// Chooses a file for a field.
    pub(crate) async fn choose_file(&self, css: &str, path: &str) {
        self.on_element(css, &[("value", Some(json!({ "text": path })))]).await;
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let focus = self.session.get("element/active").await;
        let focus = focus[ELEMENT].as_str().expect("a focus");
        self.session.post(&format!("element/{focus}/value"), json!({ "text": keys })).await;
    }

    /// Waits until the page has a heading with that text.
    pub(crate) async fn assert_heading(&self, text: &str) {
        let xpath = format!("//h1[normalize-space()=\"{text}\"]");
        self.session.post("element", json!({ "using": "xpath", "value": xpath })).await;
    }

    /// Waits for a heading of the second level with that text.
    pub(crate) async fn assert_heading_2(&self, text: &str) {
        let xpath = format!("//h2[normalize-space()=\"{text}\"]");
        self.session.post("element", json!({ "using": "xpath", "value": xpath })).await;
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.on_element(css, &[("text", None)]).await.as_str().expect("text").to_owned()
    }

    /// Waits until an element has that text among others.
    pub(crate) async fn wait_for_text(&self, css: &str, text: &str) {
        let start = std::time::Instant::now();
        while !self.text(css).await.contains(text) {
            assert!(start.elapsed() < LONG, "{css} never shows {text}");
        }
    }

    /// The `id` of what has the focus; empty if nothing has.
    pub(crate) async fn focus(&self) -> String {
        let id = self.run("return document.activeElement.id").await;
        id.as_str().unwrap_or_default().to_owned()
    }

    /// The names of the cookies that the browser sends to the page that is open.
    pub(crate) async fn cookies(&self) -> Vec<String> {
        let cookies = self.session.get("cookie").await;
        let cookies = cookies.as_array().expect("a list").iter();
        cookies.map(|cookie| cookie["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// The address of the page that is open.
    pub(crate) async fn address(&self) -> String {
        self.session.get("url").await.as_str().expect("an address").to_owned()
    }

    /// The result of a script. The page's policy forbids scripts to the page, not to its driver.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.session.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Goes on inside of a frame.
    pub(crate) async fn enter_frame(&self, css: &str) {
        let element = self.find(css).await;
        self.session.post("frame", json!({ "id": { ELEMENT: element } })).await;
    }

    /// Goes on in the window that was opened last.
    pub(crate) async fn enter_newest_window(&self) {
        let windows = self.session.get("window/handles").await;
        let newest = windows.as_array().and_then(|all| all.last()).expect("a window").clone();
        self.session.post("window", json!({ "handle": newest })).await;
    }

    /// Plugs in an authenticator that answers at once, whose user has a PIN. Gives its id.
    pub(crate) async fn plug_in_authenticator(&self) -> String {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        let id = self.session.post("webauthn/authenticator", options).await;
        id.as_str().expect("an id").to_owned()
    }

    /// Lets the user know the PIN of the authenticator, or not.
    pub(crate) async fn know_pin(&self, authenticator: &str, is_known: bool) {
        let command = format!("webauthn/authenticator/{authenticator}/uv");
        self.session.post(&command, json!({ "isUserVerified": is_known })).await;
    }

    /// The passkeys of the authenticator, with their keys.
    pub(crate) async fn passkeys(&self, authenticator: &str) -> Vec<Value> {
        let question = format!("webauthn/authenticator/{authenticator}/credentials");
        self.session.get(&question).await.as_array().expect("a list").clone()
    }

    /// Copies a passkey into the authenticator, as a provider that synchronises does.
    pub(crate) async fn add_passkey(&self, authenticator: &str, passkey: Value) {
        let command = format!("webauthn/authenticator/{authenticator}/credential");
        self.session.post(&command, passkey).await;
    }

    /// Makes the window another size.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Makes the person prefer `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tell("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// The whole page as a picture.
    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        let whole = json!({ "captureBeyondViewport": true });
        let shot = self.tell("Page.captureScreenshot", whole).await;
        STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64")
    }

    /// A small, sharp picture of a window of that size, for the README. It replaces the committed one only if
    /// `UPDATE_IMAGES` is set, because each machine has fonts of its own.
    pub(crate) async fn picture(&self, name: &str, (width, height): (u32, u32)) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 600,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
        self.prefer("light").await;
        let shot = json!({ "format": "webp", "quality": 70 });
        let shot = self.tell("Page.captureScreenshot", shot).await;
        let picture = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        assert!(picture.len() < 100 * 1024, "{name} has {} bytes", picture.len());
        let is_update = Settings::from_environment().given("UPDATE_IMAGES").is_some();
        let folder = if is_update { "docs/images" } else { "target/screenshots" };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../").to_owned() + folder;
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(format!("{folder}/{name}.webp"), picture).expect("a picture is written");
    }

    /// The violations that axe-core finds in the page, rule by rule.
    pub(crate) async fn violations(&self) -> Vec<String> {
        self.run(&self.session.axe).await;
        let script = "const done = arguments[arguments.length - 1];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { runOnly: { type: 'tag', values: tags }, iframes: false, preload: false })
                .then(found => done({ passes: found.passes.length, wrong: found.violations.map(
                    rule => rule.id + ': ' + rule.nodes.map(node => node.html).join(' ')) }),
                    error => done({ passes: 0, wrong: [String(error)] }))";
        let found =
            self.session.post("execute/async", json!({ "script": script, "args": [] })).await;
        assert!(found["passes"].as_u64() > Some(10), "axe-core has looked at the page: {found}");
        let wrong = found["wrong"].as_array().expect("a list");
        wrong.iter().map(ToString::to_string).collect()
    }

    /// Sends commands and questions about an element, and returns the last answer. If another page comes in between,
    /// this function begins again, with the element of the new page.
    async fn on_element(&self, css: &str, actions: &[(&str, Option<Value>)]) -> Value {
        let start = std::time::Instant::now();
        'pages: while start.elapsed() < LONG {
            let id = self.find(css).await;
            let mut last = Value::Null;
            for (action, parameters) in actions {
                match self.session.send_to_element(&id, action, parameters.clone()).await {
                    Some(answer) => last = answer,
                    None => continue 'pages,
                }
            }
            return last;
        }
        panic!("{css} never stays");
    }

    async fn find(&self, css: &str) -> String {
        let found = self.session.post("element", json!({ "using": "css selector", "value": css }));
        found.await[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn tell(&self, command: &str, parameters: Value) -> Value {
        let parameters = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", parameters).await
    }
}
