//! The templates of mails: a folder for each language.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, HtmlEscape, UndefinedBehavior, Value, context};

use crate::model::{Languages, MailKind};

/// The language of a site that names none.
pub const DEFAULT_LANGUAGE: &str = "en";
/// The files below `templates/mail`.
const TEMPLATES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/mail_templates.rs"));
/// The values that templates are checked with.
const SAMPLE: MailVariables<'static> = MailVariables {
    site: "Site",
    username: "user",
    email: "u***@example.com",
    link: "https://accounts.example.com/link",
    code: "123456",
    code_page: "https://accounts.example.com/page",
    ip: "192.0.2.7",
};
/// The file that every language has.
const WORDS: &str = "words";
/// How the name of a template ends that belongs to a language.
const ENDING: &str = ".jinja";
/// The part of a deployer's folder that is about the account pages, and not about mails.
pub const PAGES_FOLDER: &str = "pages";

/// The templates of all mails in all languages. Cheap enough to be made at each cold start.
#[derive(Clone, Debug)]
pub struct Templates {
    /// The same templates twice: values are escaped for HTML, or not at all.
    html: Environment<'static>,
    text: Environment<'static>,
    languages: BTreeSet<String>,
    default: String,
}

/// The values that templates show.
#[derive(Clone, Copy, Debug)]
pub(super) struct MailVariables<'a> {
    pub(super) site: &'a str,
    pub(super) username: &'a str,
    /// The present address, as far as the recipient may know it.
    pub(super) email: &'a str,
    /// Empty in a mail without one.
    pub(super) link: &'a str,
    /// Empty in a mail without one.
    pub(super) code: &'a str,
    /// The page that takes the code. Empty in a mail without a code, and where there are no pages.
    pub(super) code_page: &'a str,
    /// Of the log-in that the mail is about. Empty in other mails, and if it is not known.
    pub(super) ip: &'a str,
}

/// A mail, ready to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same, with a button.
    pub html: String,
}

impl std::fmt::Debug for Rendered {
    /// The text holds link and code: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Templates that cannot be used. One line.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file that cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    /// A malformed template.
    #[error("a template makes no sense: {0}")]
    Template(#[from] Error),
    /// A mail without a subject, or without its link.
    #[error("{0} gives a mail without a subject, or without its link")]
    Incomplete(String),
    /// The default language has no templates.
    #[error("there are no templates in the language {0:?}")]
    NoSuchLanguage(String),
}

impl Templates {
    /// The built-in templates. A recipient who reads none of these languages gets the default language. Parses no
    /// template: a cold start sends one or two of all mails, and the tests render each of them.
    ///
    /// # Errors
    /// When there is no such default language.
    pub fn new(default: &str) -> Result<Self, TemplateError> {
        Self::named(TEMPLATES.iter().map(|(name, _)| *name), default)
    }

    /// The same, with the files of a folder in place of the built-in files of the same names, and beside them:
    /// `<language>/<mail>.jinja`, `layout.html`, `layout.txt`, `layout.subject`.
    ///
    /// # Errors
    /// For a file that cannot be read, or that does not render, and when there is no such default
    /// language.
    pub fn with_folder(default: &str, folder: &Path) -> Result<Self, TemplateError> {
        let own = files(folder, "")?;
        let built_in = TEMPLATES.iter().map(|(name, _)| *name);
        let names: BTreeSet<&str> =
            built_in.chain(own.iter().map(|(name, _)| name.as_str())).collect();
        let mut templates = Self::named(names.iter().copied(), default)?;
        for (name, path) in &own {
            let source = fs::read_to_string(path)
                .map_err(|error| TemplateError::File(path.clone(), error))?;
            templates.html.add_template_owned(name.clone(), source.clone())?;
            templates.text.add_template_owned(name.clone(), source)?;
        }
        templates.check(&names)?;
        Ok(templates)
    }

    /// Templates with these names, among them those of the default language.
    fn named<'a>(
        names: impl Iterator<Item = &'a str>,
        default: &str,
    ) -> Result<Self, TemplateError> {
        let languages: BTreeSet<String> = names
            .filter_map(|name| name.split_once('/'))
            .filter(|(_, template)| *template == format!("{WORDS}{ENDING}"))
            .map(|(language, _)| language.to_owned())
            .collect();
        if !languages.contains(default) {
            return Err(TemplateError::NoSuchLanguage(default.to_owned()));
        }
        let (html, text) = (environment(AutoEscape::Html)?, environment(AutoEscape::None)?);
        Ok(Self { html, text, languages, default: default.to_owned() })
    }

    /// Renders each mail of each language once, and every mail in the default language. So a broken template fails the
    /// start, and not a mail that a user waits for.
    fn check(&self, names: &BTreeSet<&str>) -> Result<(), TemplateError> {
        for kind in MailKind::ALL {
            self.render_in(&self.default, kind.name(), SAMPLE)?;
        }
        for name in names {
            if let Some((language, mail)) = name.split_once('/') {
                let mail = mail.trim_end_matches(ENDING);
                if mail != WORDS && self.languages.contains(language) {
                    let Rendered { subject, text, html } =
                        self.render_in(language, mail, SAMPLE)?;
                    let is_link = MailKind::ALL
                        .into_iter()
                        .any(|kind| matches!(kind, MailKind::Link(_)) && kind.name() == mail);
                    let has_link = text.contains(SAMPLE.link) && html.contains(SAMPLE.link);
                    if subject.is_empty() || (is_link && !has_link) {
                        return Err(TemplateError::Incomplete((*name).to_owned()));
                    }
                }
            }
        }
        Ok(())
    }

    /// The languages that there are.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(String::as_str)
    }

    /// Renders a mail in the first of the languages that has it, or else in the default one.
    pub(super) fn render(
        &self,
        kind: MailKind,
        languages: &Languages,
        shown: MailVariables<'_>,
    ) -> Result<Rendered, Error> {
        let has_it = |language: &str| {
            let found = self.languages.get(language)?;
            let name = template_name(found, kind.name());
            self.text.get_template(&name).is_ok().then_some(found.as_str())
        };
        let language = languages.choose(has_it).or_else(|| has_it(&self.default));
        self.render_in(language.unwrap_or(DEFAULT_LANGUAGE), kind.name(), shown)
    }

    fn render_in(
        &self,
        language: &str,
        mail: &str,
        shown: MailVariables<'_>,
    ) -> Result<Rendered, Error> {
        let name = template_name(language, mail);
        let MailVariables { site, username, email, link, code, code_page, ip } = shown;
        let text = |layout: &str| {
            let shown =
                context! { layout, language, site, username, email, link, code, code_page, ip };
            self.text.get_template(&name)?.render(shown)
        };
        // A slash needs no escape. So the HTML shows the same URL as the text, and the check of the templates finds it.
        let address = |text: &str| {
            Value::from_safe_string(HtmlEscape(text).to_string().replace("&#x2f;", "/"))
        };
        let (link, code_page) = (address(link), address(code_page));
        let layout = "layout.html";
        let shown = context! { layout, language, site, username, email, link, code, code_page, ip };
        Ok(Rendered {
            subject: one_line(&text("layout.subject")?),
            text: paragraphs(&text("layout.txt")?),
            html: self.html.get_template(&name)?.render(shown)?,
        })
    }
}

fn template_name(language: &str, mail: &str) -> String {
    format!("{language}/{mail}{ENDING}")
}

fn environment(escape: AutoEscape) -> Result<Environment<'static>, Error> {
    // A line with only a tag leaves no line.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(move |_| escape.clone());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment.add_filter("isolate", isolate);
    environment.set_loader(|name| {
        let built_in = TEMPLATES.iter().find(|(built_in, _)| *built_in == name);
        Ok(built_in.map(|(_, source)| (*source).to_owned()))
    });
    Ok(environment)
}

/// Keeps a name or an address from mixing with the direction of the text around it (Unicode TR 9, isolates).
fn isolate(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

/// The text on one line, so that it cannot begin another header.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// At most one empty line between two that are not.
fn paragraphs(text: &str) -> String {
    let mut lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n")
}

/// All files below a folder: the name of the template, and the path.
fn files(folder: &Path, prefix: &str) -> Result<Vec<(String, String)>, TemplateError> {
    let shown = folder.display().to_string();
    let unreadable = |error| TemplateError::File(shown.clone(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() && name == PAGES_FOLDER {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, &format!("{name}/"))?);
        } else {
            found.push((name, path.display().to_string()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use expect_test::expect_file;

    use super::*;
    use crate::model::Purpose;

    const SHOWN: MailVariables<'_> = MailVariables {
        site: "Fish & Chips",
        username: "ann",
        email: "n***@example.org",
        link: "https://accounts.example/activate/eyJh.bGci-_.OiJI",
        code: "123456",
        code_page: "https://accounts.example/activate",
        ip: "192.0.2.7",
    };

    const NO_CODE: MailVariables<'_> = MailVariables { code: "", code_page: "", ..SHOWN };

    fn shown(kind: MailKind) -> MailVariables<'static> {
        match kind {
            MailKind::Link(Purpose::Activation) => SHOWN,
            MailKind::Link(Purpose::LogIn) => MailVariables { code_page: "", ..SHOWN },
            MailKind::Link(_) => NO_CODE,
            MailKind::Notice(notice) if notice.leads_to_reset() => {
                MailVariables { link: "https://accounts.example/password-reset", ..NO_CODE }
            }
            MailKind::Notice(_) => MailVariables { link: "", ..NO_CODE },
        }
    }

    fn in_language(language: &str, kind: MailKind, shown: MailVariables<'_>) -> Rendered {
        let templates = Templates::new(DEFAULT_LANGUAGE).unwrap();
        templates.render(kind, &Languages::accepted(language), shown).unwrap()
    }

    /// To be looked at in a browser, too.
    #[test]
    fn every_mail_in_every_language() {
        let templates = Templates::new(DEFAULT_LANGUAGE).unwrap();
        let languages: Vec<_> = templates.languages().collect();
        assert_eq!(languages, ["de", "en", "fa"]);
        for language in languages {
            for kind in MailKind::ALL {
                let Rendered { subject, text, html } = in_language(language, kind, shown(kind));
                let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
                let file = file.join("tests/mails").join(language).join(kind.name());
                expect_file![file.with_extension("txt")]
                    .assert_eq(&format!("{subject}\n\n{text}\n"));
                expect_file![file.with_extension("html")].assert_eq(&html);
                assert!(!html.contains("http://") && !html.contains("<img"), "something remote");
                let addresses = [shown(kind).link, shown(kind).code_page];
                let expected = 2 * addresses.iter().filter(|address| !address.is_empty()).count();
                assert_eq!(html.matches("https://").count(), expected, "{kind:?}");
            }
        }
    }

    #[test]
    fn no_two_mails_say_the_same() {
        for language in ["de", "en", "fa"] {
            let texts = MailKind::ALL.map(|kind| in_language(language, kind, shown(kind)).text);
            assert_eq!(BTreeSet::from(texts).len(), MailKind::ALL.len());
        }
    }

    #[test]
    fn no_shown_value_breaks_out_of_its_place() {
        let bad = "</title><b>\r\nBcc: eve@example.org\u{2028}{{ link }}\"'&";
        let shown = MailVariables {
            site: bad,
            username: bad,
            email: bad,
            link: bad,
            code: bad,
            code_page: bad,
            ip: bad,
        };
        for language in ["de", "en", "fa"] {
            for kind in MailKind::ALL {
                let mail = in_language(language, kind, shown);
                let breaks = |c: char| c.is_control() || c == '\u{2028}';
                assert!(!mail.subject.contains(breaks), "{:?}", mail.subject);
                assert!(!mail.html.contains("<b>"), "{}", mail.html);
                assert!(!mail.html.contains("href=\"</title>"), "{}", mail.html);
                assert!(mail.html.contains("{{ link }}"), "{}", mail.html);
            }
        }
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_replaces_what_has_the_same_name_and_adds_a_language() {
        let ours = "{% extends language ~ \"/words.jinja\" %}{% block subject %}Hi{% endblock %}\
                    {% block ask %}Ours, {{ username }}:{% endblock %}";
        let words = "{% extends layout %}{% block hello %}Salut {{ username }}{% endblock %}";
        let folder = folder(&[
            ("en/activation.jinja", ours),
            ("fr/words.jinja", words),
            ("fr/activation.jinja", ours),
        ]);
        let templates = Templates::with_folder("en", folder.path()).unwrap();
        assert_eq!(templates.languages().collect::<Vec<_>>(), ["de", "en", "fa", "fr"]);
        let activation = MailKind::Link(Purpose::Activation);
        let mail =
            |kind, language| templates.render(kind, &Languages::accepted(language), SHOWN).unwrap();
        let english = mail(activation, "en");
        assert_eq!(english.subject, "Hi");
        assert!(english.text.contains("Hello ann!\n\nOurs, ann:\n\nhttps://"), "{}", english.text);
        assert!(mail(activation, "fr-CA").html.contains("Salut ann"));
        assert!(mail(activation, "de").text.contains("Hallo ann!"));
        // French has no other mail: the next language that the reader knows has.
        let reset = MailKind::Link(Purpose::PasswordReset);
        assert!(mail(reset, "fr, de").text.contains("Hallo ann!"));
        assert!(mail(reset, "fr").text.contains("Hello ann!"));
    }

    #[test]
    fn the_start_finds_broken_templates() {
        for (name, text) in [
            ("en/activation.jinja", "{% extends layout"),
            ("en/activation.jinja", "{{ password }}"),
            ("fa/password_set.jinja", "{% extends \"nothing\" %}"),
            ("layout.html", "{{ nothing }}"),
        ] {
            let folder = folder(&[(name, text)]);
            let error = Templates::with_folder("en", folder.path()).unwrap_err().to_string();
            assert!(error.starts_with("a template makes no sense: "), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        for (name, text) in [("en/activation.jinja", ""), ("layout.html", ""), ("layout.txt", "Hi")]
        {
            let folder = folder(&[(name, text)]);
            let error = Templates::with_folder("en", folder.path()).unwrap_err().to_string();
            assert!(
                error.ends_with(" gives a mail without a subject, or without its link"),
                "{error}"
            );
        }
        let gone = Templates::with_folder("en", Path::new("/nothing/there")).unwrap_err();
        assert!(gone.to_string().starts_with("/nothing/there cannot be read: "), "{gone}");
        let error = Templates::new("tlh").unwrap_err().to_string();
        assert_eq!(error, "there are no templates in the language \"tlh\"");
    }
}
