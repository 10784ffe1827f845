//! Sessions of the account pages and of the console, as a browser without scripts has them.

use axum::http::{Method, StatusCode};

use crate::{Answer, PASSWORD, Site};

/// The headers of a form that a page of the site sends.
pub const FORM: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];

/// A user who has logged in to pages: `/account`, or `/admin`.
#[derive(Debug)]
pub struct Visit<'a> {
    site: &'a Site,
    /// The cookie with the token of the session.
    pub cookie: String,
}

impl<'a> Visit<'a> {
    /// Logs in, by the password of all tests.
    pub async fn open(site: &'a Site, root: &str, name: &str) -> Self {
        let answer = Self::log_in(site, root, name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        Self::with(site, Self::cookie(&answer).expect("a cookie"))
    }

    /// With that cookie.
    pub fn with(site: &'a Site, cookie: String) -> Self {
        Self { site, cookie }
    }

    /// Sends the form that opens a session.
    pub async fn log_in(site: &Site, root: &str, name: &str, password: &str) -> Answer {
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        site.send(Method::POST, &format!("{root}/log-in"), &FORM, form).await
    }

    /// The cookie of the session that an answer sets.
    pub fn cookie(answer: &Answer) -> Option<String> {
        let set = answer.headers.get_all("set-cookie").iter();
        let mut set = set.map(|set| set.to_str().expect("a text").to_owned());
        set.find(|set| set.starts_with("__Host-latchkey-") && !set.contains("-device="))
            .and_then(|set| set.split(';').next().map(str::to_owned))
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.site.send(Method::GET, path, &[("cookie", &self.cookie)], "").await
    }

    /// The token of the forms, from a page that has one.
    pub async fn csrf(&self, path: &str) -> String {
        let page = self.get(path).await.text;
        let value = page.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        value.split('"').next().unwrap_or_default().to_owned()
    }

    /// Sends the form of a page.
    pub async fn post(&self, path: &str, csrf: &str, fields: &str) -> Answer {
        let headers = [FORM[0], FORM[1], ("cookie", self.cookie.as_str())];
        self.site.send(Method::POST, path, &headers, format!("csrf={csrf}&{fields}")).await
    }
}
