//! An authority of the fake's own, and the certificate that its databases show.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Makes an authority; returns its certificate, and what speaks TLS for every address of a network.
pub(crate) fn certify(network: &str) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let addresses: Vec<_> = (1..=252).map(|number| format!("{network}.{number}")).collect();
    let key = KeyPair::generate().unwrap();
    let shown = CertificateParams::new(addresses).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![shown.der().clone()], private)
        .unwrap();
    (authority, TlsAcceptor::from(Arc::new(config)))
}
