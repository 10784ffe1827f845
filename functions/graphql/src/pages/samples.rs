//! The values that templates are checked with. Together, the samples of a page reach each of its branches.

use minijinja::{Value, context};

/// Samples for a file, or for a text.
pub(super) fn samples(file: &str, language: &str) -> Vec<Value> {
    let about = match file {
        "ask_for_mail.html" => "ask_reset",
        "choose_password.html" => "reset",
        "log_in.html" => "account",
        "take_back.html" => "cancel",
        _ => "too_old",
    };
    let nexts: &[&str] = match file {
        "message.html" => &[
            "app",
            "send_again",
            "ask_for_reset",
            "enter_code",
            "anywhere",
            "log_in_mail",
            "later",
        ],
        _ => &["later"],
    };
    let sample = |next: &str, is_full: bool| {
        let filled = |text: &'static str| if is_full { text } else { "" };
        let error = context! { key => "refused_too_long", limit => 150, actual => 151 };
        let errors = || if is_full { vec![error.clone()] } else { Vec::new() };
        let (light, dark) = (["#ffffff", "#ffffff"], ["#000000", "#000000"]);
        context! {
            language, next,
            languages => [context! { tag => language, name => "Language" }],
            site => "Site", base => "", app_url => filled("https://app.example.com"),
            activation_path => "activate", reset_path => "password-reset",
            query => filled("?lang=en"), kept => filled("&next=https://app.example.com"),
            token => "token", log_in_path => "/login",
            username => filled("user"), email => filled("u***@example.com"),
            email_typed => filled("user@example.com"), username_typed => filled("user"),
            asks_for_name => is_full, is_wrong => is_full,
            email_errors => errors(), code_errors => errors(), username_errors => errors(),
            password_errors => errors(), again_errors => errors(),
            name => "name", errors => errors(), hint => is_full, takes_focus => is_full,
            limit => 150, actual => 151, password_min_length => 8,
            hidden => [context! { name => "email", value => filled("user@example.com") }],
            action => filled("?lang=en"), challenge => "challenge", by_itself => is_full,
            script => "/work.js",
            light, dark, button => "#1d4ed8", label => "#ffffff", link => "#1d4ed8",
            dark_link => "#1d4ed8",
            ..session_pages(file, is_full)
        }
    };
    let samples: Vec<_> =
        nexts.iter().flat_map(|next| [sample(next, true), sample(next, false)]).collect();
    let abouts: &[&str] = match file {
        "console_act.html" => &[
            "ban",
            "lift_ban",
            "set_role",
            "verify",
            "end_session",
            "end_sessions",
            "expire_password",
            "send_activation",
            "send_reset",
            "clear_email_status",
            "lift_locks",
            "remove_second_factor",
            "keep_second_factor",
            "delete",
        ],
        "console_problem.html" => &["console_denied"],
        "log_in.html" => &["account", "app", "console"],
        "second_factor_change.html" => &["replace", "remove", "remove_app"],
        "account_change.html" => &[
            "profile",
            "password",
            "email",
            "second_email",
            "swap_emails",
            "remove_second_email",
            "delete",
        ],
        "console_events.html" | "console_trail.html" => &["user", "acts"],
        _ => &[about],
    };
    let mut all = Vec::new();
    for about in abouts {
        all.extend(samples.iter().map(|sample| context! { about => *about, ..sample.clone() }));
    }
    all
}

/// The values of the account pages and of the console.
fn session_pages(file: &str, is_full: bool) -> Value {
    let starts = [
        "account", "console_", "event", "factor", "log_in", "passkey", "second", "step_up", "trust",
    ];
    if !starts.iter().any(|start| file.starts_with(start)) {
        return context! { q => "q", until => "2026-01-01 12:00" };
    }
    let filled = |text: &'static str| is_full.then_some(text);
    let some = |value: Value| if is_full { vec![value] } else { Vec::new() };
    let user = context! {
        id => "id", legacy_id => filled("42"), username => "user", email => "user@example.com",
        secondary_email => filled("second@example.com"), first_name => filled("First"),
        last_name => filled("Last"), role => "user", is_verified => !is_full,
        is_active => !is_full, is_archived => is_full, is_banned => is_full,
        ban_reason => filled("spam"), ban_at => filled("2026-01-01 12:00"),
        ban_until => filled("2026-01-02 12:00"), ends_at => filled("2026-01-02 12:00"),
        created => "2026-01-01 12:00", has_password => is_full,
        email_status => if is_full { "bounced" } else { "ok" },
        secondary_email_status => if is_full { "complained" } else { "ok" },
        mail_not_sent => filled("password_reset"), has_second_factor => is_full,
        second_factor_ends_at => filled("2026-01-02 12:00"),
    };
    let event = context! {
        at => "2026-01-01 12:00", kind => "banned", user => "id", by_id => "id",
        operator => Value::from(()), by => "staff", is_refused => true, reason => "spam",
        detail => "detail", count => 10, ip => "192.0.2.1", agent => "Firefox",
        request_id => "id",
    };
    let plain = context! {
        at => "2026-01-01 12:00", kind => "logged_in", user => Value::from(()),
        by_id => Value::from(()), operator => Value::from(()), by => "self",
        is_refused => false, reason => Value::from(()), detail => Value::from(()),
        count => Value::from(()), ip => Value::from(()), agent => Value::from(()),
    };
    let operator = context! { operator => "op", ..event.clone() };
    let operator = context! { by_id => Value::from(()), ..operator };
    let code_used = context! { kind => "recovery_code_used", ..plain.clone() };
    let events = if is_full { vec![event.clone(), plain, operator, code_used] } else { Vec::new() };
    let session = context! {
        id => "id", is_own => false, device => "Firefox, Linux", agent => "agent", ip => "192.0.2.1",
        opened => "2026-01-01 12:00", used => "2026-01-01 12:00",
    };
    let own = context! {
        is_own => true, device => Value::from(()), ip => Value::from(()), ..session.clone()
    };
    let lock = context! { rule => "account_and_ip", until => "2026-01-01 12:00" };
    let bar = context! { x => 0, y => 10, height => 20, count => "5", day => "01-01" };
    let charts = ["sign_ups", "log_ins", "failures", "locks", "failed_mails"].map(|name| {
        context! { name, bars => vec![bar.clone()], today => "5", width => 280 }
    });
    context! {
        done => filled(match file {
            "account.html" | "account_activity.html" => "session_ended",
            "second_factor.html" => "factor_added",
            "passkeys.html" => "passkey_added",
            _ => "ban",
        }),
        own_email => "user@example.com", own_secondary_email => filled("second@example.com"),
        is_verified => !is_full, has_others => is_full,
        csrf => "csrf", own_name => "boss", own_id => "id", own_role => "staff",
        root => "/admin",
        name_typed => "name", q => if is_full { "q" } else { "" }, state => "",
        rows => some(user.clone()), older => filled("older"), newer => filled("newer"),
        may_change => is_full, is_superuser => is_full, is_self => !is_full,
        last_log_in => filled("2026-01-01 12:00"), sessions => if is_full { vec![session, own] } else { Vec::new() },
        mails => some(context! { kind => "password_reset", at => "at", state => "sent" }),
        locks => some(lock), events, next => filled("next"), id => "id", by => "staff:id",
        trusted_devices => usize::from(is_full), is_found => is_full, ip => "192.0.2.1", waiting_mails => 3, height => 64,
        charts => Vec::from(charts), change => "ban", asks_password => is_full,
        password_error => filled("console_password_wrong"), reason => "spam",
        until => "2026-01-01 12:00", role => "user", session => filled("id"),
        roles => ["user", "staff", "superuser"], reason_errors => Vec::<Value>::new(),
        until_errors => Vec::<Value>::new(), user, event,
        ..second_factor(file, is_full)
    }
}

/// The values of the pages about passkeys.
fn passkeys(is_full: bool) -> Value {
    let filled = |text: &'static str| is_full.then_some(text);
    let passkey = context! {
        id => "id", name => "Phone", provider => "Example Keys", added => "2026-01-01 12:00",
        used => "2026-01-01 12:00", synced => true,
    };
    let new = context! {
        provider => "Phone", used => Value::from(()), synced => false, ..passkey.clone()
    };
    context! {
        has_passkeys => is_full, has_own_passkeys => is_full, may_add => is_full,
        passkeys => if is_full { vec![passkey, new] } else { Vec::new() },
        passkey_options => filled("{}"), passkey_field => "passkey", accepted => filled("{}"),
        passkey_error => filled("passkey_refused"),
    }
}

/// The values of the pages about the second factor.
fn second_factor(file: &str, is_full: bool) -> Value {
    let filled = |text: &'static str| is_full.then_some(text);
    let error = match file {
        "log_in.html" => "console_log_in_wrong",
        "passkeys.html" | "passkey_new.html" => "passkey_name_wrong",
        _ => "second_factor_wrong",
    };
    let device = context! {
        id => "id", is_own => false, device => "Firefox, Linux", ip => "192.0.2.1",
        trusted => "2026-01-01 12:00", used => "2026-01-01 12:00", ends => "2026-01-31 12:00",
    };
    let own = context! {
        is_own => true, device => Value::from(()), ip => Value::from(()), ..device.clone()
    };
    context! {
        log_in_path => "login/mail", asked_at => "2026-01-01 12:00", code => "123456",
        is_asked_here => is_full, is_sign_up => is_full, signs_up => is_full, error => filled(error), needs_code => is_full, has_second_factor => is_full,
        layout => if is_full { "console_layout.html" } else { "layout.html" },
        problem => filled("account_no_password"),
        first_name => "First", last_name => "Last", keeps_pictures => is_full,
        url => filled("https://pictures.example.com/1"), picture_errors => Vec::<Value>::new(),
        first_name_errors => Vec::<Value>::new(), last_name_errors => Vec::<Value>::new(),
        new_password_errors => Vec::<Value>::new(), name_errors => Vec::<Value>::new(),
        factor_due => filled("2027-01-01 00:00"), leads_to => "/account",
        trust_until => filled("2026-01-31"), trusts => is_full,
        devices => if is_full { vec![device, own] } else { Vec::new() },
        code_field => "code", challenge => "challenge", path => "codes", after => "factor-added",
        back => "/second-factor",
        app => is_full.then(|| context! { added => "2026-01-01 12:00", used => "2026-01-01 12:00" }),
        ends_at => filled("2026-01-02 12:00"), codes_left => 3, most_codes => 10,
        has_few_codes => is_full, codes => ["0123-4567-89ab-cdef"],
        secret => "GEZD GNBV", uri => "otpauth://totp/Site:user", setup => "setup",
        drawing => is_full.then(|| context! { width => 41, path => "M4 4h7v1h-7z" }),
        ..passkeys(is_full)
    }
}
