//! TLS in front of the embedded AWS, as it is in front of the real one.

use std::path::PathBuf;
use std::sync::Arc;

use embedded::{Aws, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The root certificates of AWS.
const AMAZON: &str = include_str!("../../../shared/src/roots.pem");

/// A listener that takes TLS and forwards the plain bytes. Ends when it is dropped.
#[derive(Debug)]
pub struct Tls {
    endpoint_url: String,
    roots: TempDir,
    task: JoinHandle<()>,
}

impl Tls {
    /// Listens on a free port of that runtime, in front of that AWS.
    pub async fn in_front_of(aws: &Aws, runtime: &Handle) -> Result<Self, Error> {
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        // The certificate is for an IP address. So clients look up no name, as for the endpoint without TLS.
        let names = ["127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        // The order of AWS's own TLS, s2n.
        let mut crypto = aws_lc_rs::default_provider();
        crypto.cipher_suites.sort_by_key(|suite| suite.suite() != TLS13_AES_128_GCM_SHA256);
        let mut config = ServerConfig::builder_with_provider(Arc::new(crypto))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.ignore_client_order = true;
        // The file has the roots of AWS, too, because the functions read those at each start.
        let roots = tempfile::tempdir()?;
        std::fs::write(roots.path().join("roots.pem"), format!("{AMAZON}{}", authority.pem()))?;

        let listener = runtime.spawn(TcpListener::bind(("127.0.0.1", 0))).await??;
        let endpoint_url = format!("https://127.0.0.1:{}", listener.local_addr()?.port());
        let (acceptor, server) = (TlsAcceptor::from(Arc::new(config)), aws.server());
        let task = runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), stream, server.clone()));
            }
        });
        Ok(Self { endpoint_url, roots, task })
    }

    /// Where an SDK finds it.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The file of root certificates that clients need: `AWS_CA_BUNDLE`.
    pub fn roots(&self) -> PathBuf {
        self.roots.path().join("roots.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Error = Box<dyn std::error::Error>;

/// Serves a connection. The client notices a broken connection, so this ignores errors.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream, server: Server) {
    let _ = stream.set_nodelay(true);
    if let Ok(stream) = acceptor.accept(stream).await {
        server.serve(stream).await;
    }
}
