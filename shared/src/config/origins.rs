//! The site's own addresses, and the origins whose pages may call it.

use super::{ConfigError, Settings, WebUrl, problem, read_url};

impl Settings {
    /// The path of [`Self::base_url`]: empty, or with a slash at its start and none at its end.
    pub fn base_path(&self) -> Result<String, ConfigError> {
        let url = self.base_url()?;
        // A router takes such a part of a path for a placeholder.
        if url.path().contains("/:") || url.path().contains("/*") {
            let odd = "cannot have a path with a part that starts with a colon or an asterisk";
            return Err(problem("BASE_URL", odd));
        }
        Ok(url.path().to_owned())
    }

    /// Where the links in mails point.
    pub fn link_url(&self) -> Result<WebUrl, ConfigError> {
        self.given_url("LINK_URL")?.map_or_else(|| self.base_url(), Ok)
    }

    /// The origins whose pages may call the API: those of the site's own addresses, and `CORS_ORIGINS`.
    pub fn origins(&self) -> Result<Vec<String>, ConfigError> {
        let own = [Some(self.base_url()?), self.given_url("LINK_URL")?, self.app_url()?];
        let given = self.given("CORS_ORIGINS").unwrap_or_default();
        let given = given.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let given = given.map(|origin| WebUrl::parse_origin(origin).map_err(|_| bad_origins()));
        let all = own.into_iter().flatten().map(Ok).chain(given);
        all.map(|url| url.map(|url| url.origin())).collect()
    }

    fn given_url(&self, name: &'static str) -> Result<Option<WebUrl>, ConfigError> {
        self.given(name).map(|url| read_url(name, &url)).transpose()
    }
}

fn bad_origins() -> ConfigError {
    let form =
        "must be origins such as https://app.example.com, separated by commas: no *, no path";
    problem("CORS_ORIGINS", form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Settings {
        Settings::new(move |wanted| match wanted {
            wanted if wanted == name => Some(value.to_owned()),
            "BASE_URL" => Some("https://accounts.example".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_path_of_the_site_can_be_routed() {
        assert_eq!(with("BASE_URL", "https://a.example/x/y/").base_path().unwrap(), "/x/y");
        assert_eq!(with("BASE_URL", "https://a.example/").base_path().unwrap(), "");
        for odd in ["https://a.example/:x", "https://a.example/x/*"] {
            let error = with("BASE_URL", odd).base_path().unwrap_err().to_string();
            assert!(error.starts_with("BASE_URL cannot have a path "), "{odd}: {error}");
        }
    }

    #[test]
    fn links_point_to_the_site_unless_another_place_is_set() {
        let link_url = |value| with("LINK_URL", value).link_url().unwrap().to_string();
        assert_eq!(link_url(""), "https://accounts.example");
        assert_eq!(link_url("https://App.example/me/"), "https://app.example/me");
        let error = with("LINK_URL", "app.example").link_url().unwrap_err().to_string();
        assert_eq!(error, "LINK_URL must be a URL such as https://accounts.example.com");
    }

    #[test]
    fn origins_are_exact_and_have_the_form_in_which_browsers_send_them() {
        let origins = |given| with("CORS_ORIGINS", given).origins();
        assert_eq!(origins("").unwrap(), ["https://accounts.example"]);
        assert_eq!(
            origins("https://App.example:443, http://localhost:5173/,,https://bücher.example")
                .unwrap(),
            [
                "https://accounts.example",
                "https://app.example",
                "http://localhost:5173",
                "https://xn--bcher-kva.example"
            ]
        );
        for odd in
            ["*", "https://*.example", "https://a.example/x", "a.example", "null", "https://"]
        {
            let error = origins(odd).unwrap_err().to_string();
            assert!(error.starts_with("CORS_ORIGINS must be origins such as "), "{odd}: {error}");
        }
        let own = with("LINK_URL", "https://Links.example/x").origins().unwrap();
        assert_eq!(own, ["https://accounts.example", "https://links.example"]);
    }
}
