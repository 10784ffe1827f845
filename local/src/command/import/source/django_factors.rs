//! Second factors in a dump of Django: devices of django-otp, and authenticators of django-allauth.

use accounts::crypto::totp;
use accounts::model::factor::{MOST_IMPORTED_CODES, MOST_PASSKEYS};
use accounts::model::name::Name;
use accounts::model::{AppRecord, FactorsRecord, ImportedCode, Passkey, PlainCode};
use accounts::webauthn::{RegistrationResponse, UserHandle};
use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::SourceOptions;
use super::values;
use crate::command::import::Reject;

const TOTP: &str = "otp_totp.totpdevice";
const STATIC: &str = "otp_static.staticdevice";
/// The model of a token, which belongs to a device and not to a user.
pub(super) const TOKEN: &str = "otp_static.statictoken";
const AUTHENTICATOR: &str = "mfa.authenticator";
/// Devices of django-otp, and of libraries for it, for which Latchkey has no counterpart: devices with counters,
/// devices with mailed codes or SMS codes, and keys without an attestation object.
const OTHERS: [&str; 9] = [
    "otp_hotp.hotpdevice",
    "otp_email.emaildevice",
    "otp_yubikey.yubikeydevice",
    "otp_yubikey.remoteyubikeydevice",
    "otp_twilio.twiliosmsdevice",
    "otp_webauthn.webauthncredential",
    "phonenumber.phonedevice",
    "two_factor.phonedevice",
    "two_factor_webauthn.webauthndevice",
];
/// The seconds of a time step, and the digits of a code. RFC 6238 recommends 30 seconds.
const STEP: u64 = 30;
const DIGITS: u64 = 6;
/// The number of recovery codes of django-allauth with its default settings.
const CODES: u8 = 10;
const CODE_DIGITS: u8 = 8;
/// The number of characters of a seed of recovery codes.
const SEED: usize = 80;

/// Whether objects of this model may be second factors.
pub(super) fn is_factor(model: &str) -> bool {
    [TOTP, STATIC, AUTHENTICATOR].contains(&model) || OTHERS.contains(&model)
}

/// The key that finds the tokens of a device.
pub(super) fn token_key(device: &Value) -> Value {
    Value::from(vec![Value::from(TOKEN), device.clone()])
}

/// An object of the dump that belongs to a user.
pub(super) struct Object {
    pub(super) model: String,
    pub(super) pk: Value,
    pub(super) fields: Value,
    /// The fields of the tokens of a static device.
    pub(super) tokens: Vec<Value>,
}

impl Object {
    /// Whether it is a device with tokens.
    pub(super) fn has_tokens(&self) -> bool {
        self.model == STATIC
    }

    /// Its name for the operator, without data of the user.
    fn label(&self) -> String {
        match self.pk.as_i64() {
            Some(pk) => format!("{} {pk}", self.model),
            None => self.model.clone(),
        }
    }

    fn read<T: DeserializeOwned>(&self, value: &Value) -> Result<T, Reject> {
        serde_json::from_value(value.clone())
            .map_err(|_| Reject::malformed(format!("The {} of the user is damaged.", self.label())))
    }
}

#[derive(Deserialize)]
struct TotpDevice {
    confirmed: bool,
    key: String,
    step: u64,
    t0: i64,
    digits: u64,
    last_t: i64,
    #[serde(default)]
    created_at: Option<Value>,
    #[serde(default)]
    last_used_at: Option<Value>,
}

#[derive(Deserialize)]
struct OtherDevice {
    #[serde(default = "yes")]
    confirmed: bool,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Authenticator {
    #[serde(rename = "type")]
    kind: String,
    data: Value,
    #[serde(default)]
    created_at: Option<Value>,
    #[serde(default)]
    last_used_at: Option<Value>,
}

#[derive(Deserialize)]
struct Codes {
    #[serde(default, rename = "migrated_codes")]
    migrated: Option<Vec<String>>,
    #[serde(default)]
    seed: Option<String>,
    #[serde(default)]
    used_mask: u64,
}

fn yes() -> bool {
    true
}

/// The second factors of a user, and the reasons why Latchkey cannot import some of them. The reasons contain no
/// secret.
#[derive(Default)]
pub(super) struct ImportedFactors {
    pub(super) factors: Option<FactorsRecord>,
    pub(super) faults: Vec<String>,
}

/// Reads the second factors of the user with that primary key.
pub(super) fn read(
    user: &Value,
    objects: &[Object],
    options: &SourceOptions,
) -> Result<ImportedFactors, Reject> {
    let mut reader = Reader {
        options,
        user,
        apps: Vec::new(),
        record: FactorsRecord::default(),
        faults: Vec::new(),
    };
    let is_allauth = |object: &&Object| object.model == AUTHENTICATOR;
    // If a site has moved from django-otp to django-allauth, it may still have the old devices.
    let has_moved =
        objects.iter().filter(is_allauth).any(|it| it.fields["type"] != "recovery_codes");
    for object in objects.iter().filter(|it| !has_moved || is_allauth(it)) {
        match &*object.model {
            TOTP => reader.totp_device(object)?,
            STATIC => reader.static_device(object)?,
            AUTHENTICATOR => reader.authenticator(object)?,
            _ => reader.other(object)?,
        }
    }
    Ok(reader.done())
}

struct Reader<'a> {
    options: &'a SourceOptions,
    user: &'a Value,
    /// The apps, with the names of their objects.
    apps: Vec<(AppRecord, String)>,
    record: FactorsRecord,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn fault(&mut self, object: &Object, why: &str) {
        self.faults.push(format!("{} {why}.", object.label()));
    }

    fn totp_device(&mut self, object: &Object) -> Result<(), Reject> {
        let device: TotpDevice = object.read(&object.fields)?;
        let TotpDevice { step, t0, digits, last_t, .. } = device;
        if !device.confirmed {
            return Ok(());
        }
        if (step, t0, digits) != (STEP, 0, DIGITS) {
            let why = format!("has steps of {step} seconds from {t0} on, and {digits} digits");
            self.fault(object, &why);
            return Ok(());
        }
        let Some(secret) = hex(&device.key).map(|key| totp::secret_text(&key)) else {
            self.fault(object, "has a key that is not hexadecimal");
            return Ok(());
        };
        let last_step = u64::try_from(last_t).unwrap_or_default();
        self.app(
            object,
            secret,
            last_step,
            device.created_at.as_ref(),
            device.last_used_at.as_ref(),
        );
        Ok(())
    }

    fn app(
        &mut self,
        object: &Object,
        secret: String,
        last_step: u64,
        added_at: Option<&Value>,
        last_used_at: Option<&Value>,
    ) {
        if totp::read_secret(&secret).is_none() {
            self.fault(object, "has a secret that is encrypted, or too short");
            return;
        }
        let (added_at, last_used_at) = (time(added_at), time(last_used_at));
        let app = AppRecord { secret, added_at, last_used_at, last_step };
        self.apps.push((app, object.label()));
    }

    fn static_device(&mut self, object: &Object) -> Result<(), Reject> {
        let device: OtherDevice = object.read(&object.fields)?;
        for token in object.tokens.iter().filter(|_| device.confirmed) {
            let Token { token } = object.read(token)?;
            self.code(object, token);
        }
        Ok(())
    }

    fn code(&mut self, object: &Object, code: String) {
        if ImportedCode::parse(&code).is_some() {
            self.record.plain_recovery_codes.push(PlainCode(code));
        } else {
            self.fault(object, "has a recovery code that is encrypted, or too short");
        }
    }

    fn authenticator(&mut self, object: &Object) -> Result<(), Reject> {
        let authenticator: Authenticator = object.read(&object.fields)?;
        let Authenticator { data, created_at, last_used_at, .. } = &authenticator;
        match &*authenticator.kind {
            "totp" => {
                let secret: String = object.read(&data["secret"])?;
                // The site has the used codes in its cache, not in its database. So the time of the last use stands for
                // them.
                let last_step = time(last_used_at.as_ref()).map(totp::step).unwrap_or_default();
                self.app(object, secret, last_step, created_at.as_ref(), last_used_at.as_ref());
            }
            "recovery_codes" => {
                let codes: Codes = object.read(data)?;
                match (codes.migrated, codes.seed) {
                    (Some(codes), _) => {
                        for code in codes {
                            self.code(object, code);
                        }
                    }
                    (None, Some(seed)) if seed.len() == SEED && hex(&seed).is_some() => {
                        for code in self.unused(&seed, codes.used_mask) {
                            self.code(object, code);
                        }
                    }
                    _ => self.fault(object, "has a seed that is encrypted"),
                }
            }
            "webauthn" => match self.passkey(data, created_at.as_ref(), last_used_at.as_ref()) {
                Ok(passkey) => self.record.passkeys.push(passkey),
                Err(why) => self.fault(object, &why),
            },
            _ => self.fault(object, "is of a type that Latchkey does not know"),
        }
        Ok(())
    }

    /// The recovery codes that django-allauth derives from a seed, without the used ones.
    fn unused(&self, seed: &str, used: u64) -> Vec<String> {
        let digits = u32::from(self.options.recovery_code_digits.unwrap_or(CODE_DIGITS)).min(18);
        let bytes = usize::try_from(digits / 2).unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        let mut codes = Vec::new();
        for number in 0..self.options.recovery_code_count.unwrap_or(CODES) {
            context.update(format!("{number:3},").as_bytes());
            let tag = context.clone().sign();
            let value = tag.as_ref().iter().take(bytes);
            let value = value.fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
            let width = usize::try_from(digits).unwrap_or_default();
            let is_used = used.checked_shr(number.into()).unwrap_or_default() & 1 == 1;
            if !is_used {
                codes.push(format!("{:0width$}", value % 10_u128.pow(digits)));
            }
        }
        codes
    }

    /// The passkey of an authenticator. The error is the rest of a sentence about the object.
    fn passkey(
        &mut self,
        data: &Value,
        added_at: Option<&Value>,
        last_used_at: Option<&Value>,
    ) -> Result<Passkey, String> {
        let Some(rp_id) = &self.options.rp_id else {
            return Err("is a passkey: name its domain with --rp-id".to_owned());
        };
        let registration = RegistrationResponse::from_json(data["credential"].clone());
        let credential = registration.and_then(|it| it.recorded(rp_id));
        let credential = credential.map_err(|why| format!("is no passkey of {rp_id}: {why}"))?;
        let handle = user_handle(self.user).ok_or("needs the primary key of its user")?;
        if self.record.passkeys.len() >= MOST_PASSKEYS {
            return Err(format!("is one of more than {MOST_PASSKEYS} passkeys"));
        }
        self.record.user_handle = Some(handle);
        let name = data["name"].as_str().and_then(|name| Name::parse_label(name).ok());
        let name = name.map(|name| name.as_str().to_owned()).unwrap_or_default();
        let added_at = time(added_at).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Passkey { last_used_at: time(last_used_at), ..Passkey::new(credential, name, added_at) })
    }

    /// A device of another kind.
    fn other(&mut self, object: &Object) -> Result<(), Reject> {
        let device: OtherDevice = object.read(&object.fields)?;
        if device.confirmed {
            self.fault(object, "is of a kind that Latchkey does not have");
        }
        Ok(())
    }

    fn done(mut self) -> ImportedFactors {
        // A user has one app: the app with the latest use.
        self.apps.sort_by_key(|(app, _)| (app.last_used_at, app.last_step, app.added_at));
        if let Some((app, _)) = self.apps.pop() {
            for (other, label) in &self.apps {
                if other.secret != app.secret {
                    self.faults.push(format!("{label} is one of several authenticator apps."));
                }
            }
            self.record.app = Some(app);
        }
        let Self { mut record, mut faults, .. } = self;
        if record.plain_recovery_codes.len() > MOST_IMPORTED_CODES {
            record.plain_recovery_codes.clear();
            faults.push(format!("The user has more than {MOST_IMPORTED_CODES} recovery codes."));
        }
        let is_factor = record.app.is_some() || !record.passkeys.is_empty();
        if !is_factor && !record.plain_recovery_codes.is_empty() {
            faults.push("The user has recovery codes, and nothing that they replace.".to_owned());
        }
        ImportedFactors { factors: is_factor.then_some(record), faults }
    }
}

/// The user handle that django-allauth gives to authenticators.
fn user_handle(pk: &Value) -> Option<UserHandle> {
    let text = match (pk.as_u64(), pk.as_str()) {
        (Some(number), _) => base36(number),
        // In a user handle, django-allauth writes a UUID without hyphens.
        (None, Some(text)) if text.len() == 36 && text.split('-').count() == 5 => {
            text.replace('-', "")
        }
        (None, Some(text)) => text.to_owned(),
        (None, None) => return None,
    };
    UserHandle::from_bytes(text.as_bytes()).ok()
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        digits.extend(char::from_digit(digit, 36));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect()
}

/// A time, if the value is one. A log-in does not need it, so a wrong value is no error.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    values::time(value?).ok()
}
