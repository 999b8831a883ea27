//! Issuers of certificates of the tests' own.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// Who issues certificates.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// Files of a pair.
#[derive(Clone, Debug)]
pub struct PairFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a service on this host.
    pub fn server(&self) -> Pair {
        self.issue(&["localhost", "127.0.0.1"], "wardwatch", ExtendedKeyUsagePurpose::ServerAuth, |_| ())
    }

    /// For a service of another name.
    pub fn elsewhere(&self) -> Pair {
        self.issue(&["elsewhere.nhs.example"], "elsewhere", ExtendedKeyUsagePurpose::ServerAuth, |_| ())
    }

    /// For a client of this name.
    pub fn client(&self, name: &str) -> Pair {
        self.issue(&[], name, ExtendedKeyUsagePurpose::ClientAuth, |params| {
            let uri = format!("spiffe://nhs/rj1/{name}");
            params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        })
    }

    /// One that ended years ago.
    pub fn expired_server(&self) -> Pair {
        self.issue(&["localhost", "127.0.0.1"], "old", ExtendedKeyUsagePurpose::ServerAuth, ended)
    }

    /// One that ended years ago.
    pub fn expired_client(&self) -> Pair {
        self.issue(&[], "old", ExtendedKeyUsagePurpose::ClientAuth, ended)
    }

    fn issue(
        &self,
        hosts: &[&str],
        name: &str,
        purpose: ExtendedKeyUsagePurpose,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Pair { certificate: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }
}

fn ended(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
}

impl Pair {
    /// Writes `{name}.pem` and `{name}.key`.
    pub fn write(&self, folder: &Path, name: &str) -> PairFiles {
        let files =
            PairFiles { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&files.certificate, &self.certificate).unwrap();
        std::fs::write(&files.key, &self.key).unwrap();
        files
    }
}
