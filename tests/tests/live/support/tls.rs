//! A proxy that speaks TLS, as providers have one in front of their nodes.

use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Proxies with one certificate, for as long as this is there.
pub struct Tls {
    runtime: Runtime,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    /// What clients are to trust.
    pub pem: String,
}

impl Tls {
    pub fn new() -> Self {
        let own = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self {
            runtime: builder.worker_threads(1).enable_all().build().unwrap(),
            certificate: own.cert.der().clone(),
            key: PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into()),
            pem: own.cert.pem(),
        }
    }

    /// A proxy in front of `url`; where it is. Clients and it agree on `protocol`.
    pub fn in_front_of(&self, url: &str, protocol: &str) -> String {
        let behind = url.split_once("://").unwrap().1.trim_end_matches('/').to_owned();
        let config = ServerConfig::builder().with_no_client_auth();
        let chain = vec![self.certificate.clone()];
        let mut config = config.with_single_cert(chain, self.key.clone_key()).unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let own = listener.local_addr().unwrap().to_string();
        self.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(acceptor.clone(), client, behind.clone()));
            }
        });
        own
    }
}

async fn forward(acceptor: TlsAcceptor, client: TcpStream, behind: String) -> Option<()> {
    let mut client = acceptor.accept(client).await.ok()?;
    let mut server = TcpStream::connect(behind).await.ok()?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}
