use std::path::PathBuf;

use super::InvalidOptions;

/// How a connection over the network is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted, but whoever answers is believed. With a root certificate the same as [`Self::VerifyCa`].
    Require,
    /// Encrypted, and the server's certificate is signed by a known authority.
    VerifyCa,
    /// The same, and the certificate is for the name that we connect to.
    VerifyFull,
}

/// Which authorities are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RootCertificates {
    /// Those of the system.
    #[default]
    System,
    /// Those of the system, and said so: which asks for verification also on loopback.
    ExplicitSystem,
    /// Those in this file, in PEM format.
    File(PathBuf),
}

/// How we show who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and its chain, in PEM format.
    pub certificate: PathBuf,
    /// Its key, in PEM format, not encrypted.
    pub key: PathBuf,
}

/// Whether the login is bound to the TLS connection, so that nobody in between can take part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server can.
    #[default]
    Prefer,
    /// Always, else no login.
    Require,
}

/// How connections are secured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsOptions {
    /// If absent: none on loopback, unless something else here asks for TLS; [`SslMode::VerifyFull`] elsewhere.
    pub mode: Option<SslMode>,
    /// Which authorities are known.
    pub roots: RootCertificates,
    /// How we show who we are, if we do.
    pub client: Option<ClientCertificate>,
    /// Whether the login is bound to the TLS connection.
    pub channel_binding: ChannelBinding,
    /// Whether the server is not told which name is wanted. Default false.
    pub hide_server_name: bool,
    /// Whether TLS 1.2 is refused. Default false; older versions always are.
    pub only_tls13: bool,
}

impl TlsOptions {
    /// Whether anything was said that makes sense with TLS only.
    pub(super) fn is_meant(&self) -> bool {
        self.roots != RootCertificates::System
            || self.client.is_some()
            || self.channel_binding == ChannelBinding::Require
    }
}

impl SslMode {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidOptions> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            "prefer" | "allow" => Err(InvalidOptions::new(format!(
                "`sslmode={text}` is refused: it would give up encryption as soon as anyone in between asks for it; write \
                 `verify-full`, or `disable` where nobody can be in between"
            ))),
            _ => Err(InvalidOptions::new(
                "`sslmode` is one of `disable`, `require`, `verify-ca`, `verify-full`",
            )),
        }
    }
}

impl ChannelBinding {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidOptions> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            _ => Err(InvalidOptions::new(
                "`channel_binding` is one of `disable`, `prefer`, `require`",
            )),
        }
    }
}
