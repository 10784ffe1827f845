//! AWS: where it is, the credentials for it, and the names of the table, the bucket and the event bus.

use aws_credential_types::Credentials;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{ConfigError, Settings, problem};

impl Settings {
    /// The DynamoDB table.
    pub fn table(&self) -> Result<String, ConfigError> {
        self.text("TABLE_NAME")
    }

    /// The bucket of profile pictures; without one, there are no pictures.
    pub fn pictures_bucket(&self) -> Result<Option<String>, ConfigError> {
        let fits = |name: &String| {
            let of_a_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
            (3..=63).contains(&name.len()) && name.chars().all(of_a_name)
        };
        match self.given("PICTURES_BUCKET") {
            Some(name) if !fits(&name) => {
                Err(problem("PICTURES_BUCKET", "must be the name of an S3 bucket"))
            }
            given => Ok(given),
        }
    }

    /// The endpoint of an emulator that replaces AWS.
    pub fn aws_endpoint(&self) -> Option<String> {
        self.given("AWS_ENDPOINT_URL")
    }

    /// The root certificates for AWS, in PEM, if the deployer chose other ones.
    pub fn aws_ca_bundle(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(file) = self.given("AWS_CA_BUNDLE") else { return Ok(None) };
        let bad = |why: String| problem("AWS_CA_BUNDLE", why);
        let pem = std::fs::read(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&pem) {
            let root = root.map_err(|error| bad(format!("is not PEM: {error}")))?;
            roots.add(root).map_err(|error| {
                bad(format!("has a certificate that cannot be a root: {error}"))
            })?;
        }
        if roots.is_empty() { Err(bad("has no certificate".to_owned())) } else { Ok(Some(pem)) }
    }

    /// The region that Lambda runs in.
    pub fn aws_region(&self) -> Result<String, ConfigError> {
        self.text("AWS_REGION")
    }

    /// The credentials that Lambda gives to a function. They stay the same as long as its process lives.
    pub fn aws_credentials(&self) -> Result<Credentials, ConfigError> {
        let (id, secret) = (self.text("AWS_ACCESS_KEY_ID")?, self.text("AWS_SECRET_ACCESS_KEY")?);
        Ok(Credentials::new(id, secret, self.given("AWS_SESSION_TOKEN"), None, "Environment"))
    }

    /// The event bus that gets the events of accounts: its name or its ARN.
    pub fn event_bus(&self) -> Result<String, ConfigError> {
        self.given("EVENT_BUS").ok_or_else(|| problem("EVENT_BUS", "must be set"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::with;

    #[test]
    fn invalid_roots_are_refused_with_the_reason() {
        let bundle_of = |content: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let path = file.path().display().to_string();
            let settings = Settings::new(move |_| Some(path.clone()));
            settings.aws_ca_bundle().map(|roots| roots.map(|pem| pem.len()))
        };
        let error = |content: &[u8]| bundle_of(content).unwrap_err().to_string();
        let pem = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        assert_eq!(error(b""), "AWS_CA_BUNDLE has no certificate");
        assert_eq!(error(b"\xff\xfe"), "AWS_CA_BUNDLE has no certificate");
        assert!(error(pem("!").as_bytes()).starts_with("AWS_CA_BUNDLE is not PEM: "));
        assert!(
            error(pem("aGk=").as_bytes())
                .starts_with("AWS_CA_BUNDLE has a certificate that cannot be a root: ")
        );
        let missing = with("AWS_CA_BUNDLE", "/nowhere").aws_ca_bundle().unwrap_err().to_string();
        assert!(missing.starts_with("AWS_CA_BUNDLE cannot be read: "), "{missing}");
        let amazon = include_bytes!("../roots.pem");
        assert_eq!(bundle_of(amazon), Ok(Some(amazon.len())));
        assert_eq!(with("AWS_REGION", "x").aws_ca_bundle(), Ok(None));
    }
}
