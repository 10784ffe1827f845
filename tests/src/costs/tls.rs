//! TLS in front of the embedded AWS, as it is in front of the real one.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What this machine trusts, if it says so in the usual place.
const KNOWN_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A listener that takes TLS and hands on what is in it. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Tls {
    endpoint_url: String,
    roots: TempDir,
    task: JoinHandle<()>,
}

impl Tls {
    /// Listens on a free port, in front of what is at `behind` (`http://127.0.0.1:4566`).
    pub(super) async fn in_front_of(behind: &str, server: &Runtime) -> Result<Self, Error> {
        let behind = behind.trim_start_matches("http://").to_owned();
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = ["localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        // Among as many others as a machine trusts: they are read at each start.
        let roots = tempfile::tempdir()?;
        let known = std::fs::read_to_string(KNOWN_ROOTS).unwrap_or_default();
        std::fs::write(roots.path().join("roots.pem"), format!("{known}{}", authority.pem()))?;

        let listener = server.spawn(TcpListener::bind(("127.0.0.1", 0))).await??;
        let endpoint_url = format!("https://localhost:{}", listener.local_addr()?.port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hand_on(acceptor.clone(), stream, behind.clone()));
            }
        });
        Ok(Self { endpoint_url, roots, task })
    }

    /// Where an SDK finds it.
    pub(super) fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The file of the roots that it is trusted by: `SSL_CERT_FILE`.
    pub(super) fn roots(&self) -> PathBuf {
        self.roots.path().join("roots.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Error = Box<dyn std::error::Error>;

/// A connection that breaks is the client's to notice.
async fn hand_on(acceptor: TlsAcceptor, stream: TcpStream, behind: String) {
    let _ = stream.set_nodelay(true);
    let Ok(mut inside) = acceptor.accept(stream).await else { return };
    let Ok(mut outside) = TcpStream::connect(behind).await else { return };
    let _ = outside.set_nodelay(true);
    let _ = copy_bidirectional(&mut inside, &mut outside).await;
}
