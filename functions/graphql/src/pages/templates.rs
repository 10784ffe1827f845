//! The templates of the pages, and their texts in each language.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use accounts::config::{ConfigError, Settings};
use accounts::mail::{DEFAULT_LANGUAGE, PAGES_FOLDER};
use accounts::model::Languages;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, Value, context,
};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::samples::samples;

/// Declares files that the binary has in it, by their names.
macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/pages/", $name)))),+]
    };
}

/// The templates and the style sheet, the same in each language.
const FILES: [(&str, &str); 51] = built_in![
    "account.html",
    "account_activity.html",
    "account_change.html",
    "account_events.html",
    "account_picture.html",
    "activate.html",
    "ask_for_mail.html",
    "choose_password.html",
    "console_act.html",
    "console_events.html",
    "console_home.html",
    "console_invite.html",
    "console_layout.html",
    "console_network.html",
    "console_problem.html",
    "console_search.html",
    "console_state.html",
    "console_trail.html",
    "console_user.html",
    "console_users.html",
    "enter_code.html",
    "errors.html",
    "event_count.html",
    "factor_code.html",
    "factor_codes.html",
    "factor_first_code.html",
    "factor_secret.html",
    "layout.html",
    "log_in.html",
    "log_in_mail_code.html",
    "log_in_mail_link.html",
    "log_in_mail_shown.html",
    "message.html",
    "passkey_new.html",
    "passkey_problems.html",
    "passkeys.html",
    "second_factor.html",
    "second_factor_app.html",
    "second_factor_change.html",
    "second_factor_codes.html",
    "second_factor_first.html",
    "second_factor_first_codes.html",
    "second_step.html",
    "sign_up.html",
    "state.html",
    "step_up.html",
    "style.css",
    "take_back.html",
    "trust_device.html",
    "trusted_devices.html",
    "work.html",
];
/// The only file that is not HTML.
pub(super) const STYLE: &str = "style.css";
/// The texts of each language.
const TEXTS: [(&str, &str); 3] = built_in!["de.json", "en.json", "fa.json"];
/// The end of the name of a language's file.
const ENDING: &str = ".json";
/// The beginning of the name of a text's template.
const TEXT: &str = "text/";
/// The key of the text with a language's own name.
const NAME: &str = "language_name";
/// The texts for keys that a deployer's own language lacks.
const FALLBACK: &str = include_str!("../../templates/pages/en.json");

/// The texts of a language by their keys.
type Texts = BTreeMap<String, String>;

/// The text [`NAME`] of a language, without the others.
#[derive(Default, Deserialize)]
struct LanguageName {
    language_name: String,
}

/// The templates and the texts of all pages. Latchkey parses each one when a page first needs it: most requests of the
/// function show no page, and a page needs few of them.
#[derive(Debug)]
pub(super) struct Templates {
    /// A deployer's own files, by their names.
    own_files: Arc<BTreeMap<String, String>>,
    languages: BTreeMap<String, Language>,
    default: String,
}

#[derive(Debug, Default)]
struct Language {
    built_in: Option<&'static str>,
    /// The texts of a deployer, which replace built-in ones.
    own: Texts,
    environment: OnceLock<Environment<'static>>,
    name: OnceLock<String>,
}

impl Templates {
    /// The templates that the settings name. A site without pages needs no files of its own.
    ///
    /// # Errors
    /// A file of the deployer cannot be used.
    pub(super) fn new(settings: &Settings, are_pages_on: bool) -> Result<Self, ConfigError> {
        let default = settings.default_language()?;
        let folder = settings.templates_folder().map(|folder| folder.join(PAGES_FOLDER));
        let Some(folder) = folder.filter(|folder| are_pages_on && folder.is_dir()) else {
            return Ok(Self::built_in(default));
        };
        Self::with_folder(default, &folder).map_err(|problem| {
            ConfigError::new("MAIL_TEMPLATES", format!("cannot be used: {problem}"))
        })
    }

    fn built_in(default: String) -> Self {
        let languages = TEXTS.map(|(file, texts)| {
            let language = Language { built_in: Some(texts), ..Language::default() };
            (file.trim_end_matches(ENDING).to_owned(), language)
        });
        let mut templates =
            Self { own_files: Arc::default(), languages: languages.into(), default };
        templates.settle_default();
        templates
    }

    /// A site may have a language for mails only, without pages.
    fn settle_default(&mut self) {
        if !self.languages.contains_key(&self.default) {
            DEFAULT_LANGUAGE.clone_into(&mut self.default);
        }
    }

    /// With the files of a deployer. Renders all of them once. The error is one line.
    fn with_folder(default: String, folder: &Path) -> Result<Self, String> {
        let mut templates = Self::built_in(DEFAULT_LANGUAGE.to_owned());
        let mut own_files = BTreeMap::new();
        let unreadable = |path: &Path, error| format!("{} cannot be read: {error}", path.display());
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let source = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            match name.strip_suffix(ENDING) {
                Some(language) => templates.add_texts(language, &source)?,
                None if FILES.iter().any(|(file, _)| *file == name) => {
                    own_files.insert(name, source);
                }
                None => return Err(format!("no page has the file {name}")),
            }
        }
        templates.own_files = own_files.into();
        templates.default = default;
        templates.settle_default();
        templates.try_all()?;
        Ok(templates)
    }

    fn add_texts(&mut self, language: &str, source: &str) -> Result<(), String> {
        let problem = |what: String| format!("{language}{ENDING}: {what}");
        if String::from(Languages::accepted(language)) != language {
            return Err(problem("the name is no language tag in lower case".to_owned()));
        }
        let own: Texts =
            serde_json::from_str(source).map_err(|error| problem(error.to_string()))?;
        let all: Texts =
            serde_json::from_str(FALLBACK).map_err(|error| problem(error.to_string()))?;
        if let Some(unknown) = own.keys().find(|key| !all.contains_key(*key)) {
            return Err(problem(format!("no page has a text {unknown}")));
        }
        let language = self.languages.entry(language.to_owned()).or_default();
        if language.built_in.is_none() && !own.contains_key(NAME) {
            return Err(problem(format!("{NAME} is missing")));
        }
        language.own = own;
        Ok(())
    }

    /// Renders every text and every page in every language, so that a start finds the mistakes of a deployer.
    fn try_all(&self) -> Result<(), String> {
        let texts: Texts = parsed(FALLBACK).map_err(|error| whole(&error))?;
        let texts = texts.keys().map(|key| text_name(key));
        let files = FILES.iter().map(|(name, _)| (*name).to_owned());
        let names: Vec<String> = files.chain(texts).collect();
        for (tag, language) in &self.languages {
            let tried = language.environment(self).and_then(|environment| {
                names.iter().try_for_each(|name| {
                    let template = environment.get_template(name)?;
                    samples(name, tag).into_iter().try_for_each(|it| template.render(it).map(drop))
                })
            });
            tried.map_err(|error| format!("a page makes no sense in {tag}: {}", whole(&error)))?;
        }
        Ok(())
    }

    /// The language with this tag, if the pages have it.
    pub(super) fn language(&self, tag: &str) -> Option<&str> {
        self.languages.get_key_value(tag).map(|(tag, _)| tag.as_str())
    }

    /// The language for a reader who reads none of the available languages.
    pub(super) fn default_language(&self) -> &str {
        &self.default
    }

    /// All languages: their tags, and their own names.
    pub(super) fn languages(&self) -> Result<Vec<(&str, &str)>, Error> {
        self.languages.iter().map(|(tag, language)| Ok((tag.as_str(), language.name()?))).collect()
    }

    /// Renders a file in a language.
    pub(super) fn render(&self, language: &str, file: &str, shown: Value) -> Result<String, Error> {
        let language = self.languages.get(language).ok_or_else(|| missing(language))?;
        language.environment(self)?.get_template(file)?.render(shown)
    }
}

impl Language {
    /// A built-in language has all of them.
    fn texts(&self) -> Result<Texts, Error> {
        let mut texts: Texts = parsed(self.built_in.unwrap_or(FALLBACK))?;
        texts.extend(self.own.clone());
        Ok(texts)
    }

    fn name(&self) -> Result<&str, Error> {
        if let Some(name) = self.name.get() {
            return Ok(name);
        }
        let name = match self.own.get(NAME) {
            Some(own) => own.clone(),
            None => {
                self.built_in
                    .map(parsed::<LanguageName>)
                    .transpose()?
                    .unwrap_or_default()
                    .language_name
            }
        };
        Ok(self.name.get_or_init(|| name))
    }

    /// The templates, with the texts of this language.
    fn environment(&self, of: &Templates) -> Result<&Environment<'static>, Error> {
        if let Some(environment) = self.environment.get() {
            return Ok(environment);
        }
        // A line with only a tag adds no line to the page.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| {
            if name == STYLE { AutoEscape::None } else { AutoEscape::Html }
        });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax);
        environment.set_formatter(|out, state, value| match value.as_str() {
            // A slash needs no escape, and addresses are full of them.
            Some(text) if !value.is_safe() && matches!(state.auto_escape(), AutoEscape::Html) => {
                let escaped = HtmlEscape(text).to_string().replace("&#x2f;", "/");
                out.write_str(&escaped).map_err(Error::from)
            }
            _ => minijinja::escape_formatter(out, state, value),
        });
        environment.add_function("text", text);
        environment.add_filter("urlencode", |text: &str| {
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
        });
        let (own_files, texts) = (of.own_files.clone(), self.texts()?);
        environment.set_loader(move |name| {
            Ok(match name.strip_prefix(TEXT) {
                Some(key) => texts.get(key).cloned(),
                None => own_files.get(name).cloned().or_else(|| built_in_file(name)),
            })
        });
        Ok(self.environment.get_or_init(|| environment))
    }
}

/// The text of a key in the language of the page, with the given values, or otherwise the values of the page.
#[expect(clippy::needless_pass_by_value, reason = "the shape of a function of a template")]
fn text(state: &State<'_, '_>, key: &str, given: Kwargs) -> Result<Value, Error> {
    let [limit, actual] = ["limit", "actual"].map(|name| given.get::<Option<usize>>(name));
    let (limit, actual) = (limit?, actual?);
    let shown = |name: &str| {
        let value = given.get::<Option<Value>>(name)?.or_else(|| state.lookup(name));
        Ok::<_, Error>(value.unwrap_or_default())
    };
    let (site, username, email) = (shown("site")?, shown("username")?, shown("email")?);
    let (password_min_length, q, until) =
        (shown("password_min_length")?, shown("q")?, shown("until")?);
    given.assert_all_used()?;
    let text = state.env().get_template(&text_name(key))?;
    let text = text
        .render(context! { site, username, email, password_min_length, limit, actual, q, until })?;
    Ok(Value::from_safe_string(text))
}

fn text_name(key: &str) -> String {
    format!("{TEXT}{key}")
}

fn built_in_file(name: &str) -> Option<String> {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, source)| (*source).to_owned())
}

fn parsed<T: DeserializeOwned>(texts: &str) -> Result<T, Error> {
    let refused =
        |error: serde_json::Error| Error::new(ErrorKind::BadSerialization, error.to_string());
    serde_json::from_str(texts).map_err(refused)
}

fn missing(language: &str) -> Error {
    Error::new(ErrorKind::TemplateNotFound, format!("there are no pages in {language:?}"))
}

/// The error and its causes, in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
