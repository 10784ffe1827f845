//! The forms of a session. If an operation needs a proof of the second factor, a page takes a passkey or a code, and
//! sends the form again with this proof. So no form needs code for it.

use accounts::error::{AuthError, Refusal};
use accounts::operations::second_factor::StepUp;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::by_passkey::with_script;
use super::message::{Next, refused};
use super::visit::{Pages, Visitor};
use super::work::FIELD as WORK;
use super::{FormBody, LinkToken};
use crate::App;

/// The field with the token of the session's forms.
const CSRF: &str = "csrf";
/// The field with the code of the second factor.
const CODE: &str = "second_factor_code";
/// The field with the answer of an authenticator.
const PASSKEY: &str = "second_factor_passkey";
/// The field with the password. No page contains a sent password, so the user types it again on the page for the code.
const PASSWORD: &str = "password";

/// The fields of a form.
type Fields = Vec<(String, String)>;

/// A form of a session, from a page of this site. Latchkey refuses any other form. If it has a passkey or a code,
/// Latchkey has already accepted this proof.
pub(super) struct Sent<P> {
    pub(super) visitor: Visitor<P>,
    /// Whether the form had a proof of the second factor.
    pub(super) has_proof: bool,
    fields: Fields,
}

impl<P: Pages> FromRequest<App> for Sent<P> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let Ok(FormBody(fields)) = FormBody::<Fields>::from_request(request, app).await;
        let sent = Self { visitor, has_proof: false, fields: fields.unwrap_or_default() };
        if !sent.visitor.sent(sent.field(CSRF)) {
            return Err(P::foreign(&sent.visitor));
        }
        if sent.has(CODE) || sent.has(PASSKEY) { sent.proven().await } else { Ok(sent) }
    }
}

impl<P: Pages> Visitor<P> {
    /// The page for a passkey or a code of the second factor, before the page with a form. It sends only the proof.
    pub(super) async fn ask_for_code(&self) -> Response {
        self.code_page(&[], false, None, None).await
    }

    /// The page for a passkey or a code. It sends the proof together with those fields. `error` is about the code,
    /// `passkey_error` about the passkey. For a user without passkeys, the page offers no passkey.
    async fn code_page(
        &self,
        hidden: &[Value],
        asks_password: bool,
        error: Option<&str>,
        passkey_error: Option<&str>,
    ) -> Response {
        let passkey_options = self.site().accounts.begin_step_up(&self.caller).await.ok();
        let has_script = passkey_options.is_some();
        let shown = context! {
            hidden, asks_password, error, passkey_error, passkey_options,
            layout => P::LAYOUT, code_field => CODE, passkey_field => PASSKEY,
            is_wrong => error.is_some() || passkey_error.is_some(),
        };
        with_script(has_script, P::page(self, StatusCode::FORBIDDEN, "step_up.html", shown))
    }
}

impl<P: Pages> Sent<P> {
    /// The value of a field; empty if the form does not have it.
    pub(super) fn field(&self, wanted: &str) -> &str {
        let found = self.fields.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value)
    }

    fn has(&self, wanted: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == wanted)
    }

    /// The page for a passkey or a code of the second factor, and for the password if the form has one. It sends the
    /// form again.
    pub(super) async fn ask_for_code(&self) -> Response {
        self.code_page(None, None).await
    }

    async fn code_page(&self, error: Option<&str>, passkey_error: Option<&str>) -> Response {
        let left_out = [CSRF, CODE, PASSKEY, PASSWORD, WORK];
        let hidden = self.fields.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        let hidden: Vec<_> = hidden.map(|(name, value)| context! { name, value }).collect();
        self.visitor.code_page(&hidden, self.has(PASSWORD), error, passkey_error).await
    }

    /// Whether the form is that of [`Visitor::ask_for_code`], with no other field.
    pub(super) fn is_proof_alone(&self) -> bool {
        let of_any = [CSRF, CODE, PASSKEY, WORK];
        (self.has(CODE) || self.has(PASSKEY))
            && self.fields.iter().all(|(name, _)| of_any.contains(&name.as_str()))
    }

    /// Verifies the proof in the form.
    async fn proven(self) -> Result<Self, Response> {
        let proof = if self.has(PASSKEY) {
            StepUp::Passkey(self.field(PASSKEY).to_owned())
        } else {
            StepUp::Code(self.field(CODE).to_owned())
        };
        let site = self.visitor.site();
        match site.accounts.step_up(&self.visitor.caller, proof).await {
            Ok(_) => {
                // The session of the caller has the proof now.
                let Self { visitor, fields, .. } = self;
                let visitor = visitor.visit.visitor().await?;
                Ok(Self { visitor, has_proof: true, fields })
            }
            // The second factor was removed in the meantime.
            Err(AuthError::Refused(Refusal::NoSecondFactor)) => Ok(self),
            Err(AuthError::Refused(Refusal::InvalidCode)) => {
                Err(self.code_page(Some("second_factor_wrong"), None).await)
            }
            Err(AuthError::Refused(Refusal::InvalidPasskey)) => {
                Err(self.code_page(None, Some("passkey_refused")).await)
            }
            Err(AuthError::InvalidToken) => Err(self.code_page(None, Some("passkey_again")).await),
            Err(AuthError::Unauthenticated) => Err(self.visitor.redirect("")),
            Err(error) => {
                let no_link = LinkToken(String::new());
                Err(refused(site, &no_link, &error, Next::Anywhere))
            }
        }
    }
}
