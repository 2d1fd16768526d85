use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::options::{InvalidOptions, RootCertificates, SslMode, TlsOptions};

/// What makes TLS connections as the options say; `mode` is not [`SslMode::Disable`].
pub(super) fn connector(
    options: &TlsOptions,
    mode: SslMode,
) -> Result<MakeRustlsConnect, InvalidOptions> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = if options.only_tls13 {
        &[&TLS13]
    } else {
        &[&TLS13, &TLS12]
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| InvalidOptions::new(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier(options, mode, provider)?);
    let mut config = match &options.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates("sslcert", &client.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&client.key)
                .map_err(|error| unreadable("sslkey", &client.key, &error))?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| {
                InvalidOptions::new(format!("`sslcert` and `sslkey` cannot be used: {error}"))
            })?
        }
    };
    config.enable_sni = !options.hide_server_name;
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(
    options: &TlsOptions,
    mode: SslMode,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, InvalidOptions> {
    if mode == SslMode::Require && options.roots == RootCertificates::System {
        return Ok(Arc::new(BelieveAnyone(provider)));
    }
    let roots = Arc::new(roots(&options.roots)?);
    let strict = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| {
            InvalidOptions::new(format!("the root certificates cannot be used: {error}"))
        })?;
    Ok(match mode {
        SslMode::VerifyFull => strict,
        SslMode::Disable | SslMode::Require | SslMode::VerifyCa => Arc::new(AnyName(strict)),
    })
}

fn roots(roots: &RootCertificates) -> Result<RootCertStore, InvalidOptions> {
    let mut store = RootCertStore::empty();
    match roots {
        RootCertificates::File(path) => {
            for certificate in certificates("sslrootcert", path)? {
                store
                    .add(certificate)
                    .map_err(|error| unreadable("sslrootcert", path, &error))?;
            }
        }
        RootCertificates::System | RootCertificates::ExplicitSystem => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                return Err(InvalidOptions::new(
                    "the system has no root certificates to verify the server with: name the file of your database's \
                     authority with `sslrootcert`",
                ));
            }
        }
    }
    Ok(store)
}

fn certificates(
    parameter: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, InvalidOptions> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| unreadable(parameter, path, &error))?;
    if certificates.is_empty() {
        return Err(unreadable(parameter, path, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn unreadable(parameter: &str, path: &Path, error: &dyn std::fmt::Display) -> InvalidOptions {
    InvalidOptions::new(format!(
        "the file `{}` of `{parameter}` cannot be used: {error}",
        path.display()
    ))
}

/// Verifies that a known authority signed the certificate, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last, when everything else was found good.
        match self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
        {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Verifies only that the server has the key of the certificate it shows, which is what `sslmode=require` asks for.
#[derive(Debug)]
struct BelieveAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for BelieveAnyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
