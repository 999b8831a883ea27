//! Who is at the other end of a connection, as its certificate says.

use std::sync::Arc;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The other end of a connection with mutual TLS. Every request of such a connection has it as an extension.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its certificate's names, each with its kind before it: `URI:spiffe://nhs/rj1/rostering`, `DNS:rostering.rj1.nhs.uk`,
    /// `CN:rostering`.
    pub names: Arc<[String]>,
    /// When its certificate ends, in seconds since the Unix epoch.
    pub not_after: i64,
}

impl Peer {
    /// What a certificate (DER) says; `None` when its names cannot be read: whoever shows it is nobody.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(certificate).ok()?;
        Some(Self { names: names(&certificate)?.into(), not_after: certificate.validity().not_after.timestamp() })
    }
}

fn names(certificate: &X509Certificate<'_>) -> Option<Vec<String>> {
    let alternative = certificate.subject_alternative_name().ok()?;
    let alternative = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let mut names: Vec<_> = alternative
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(format!("URI:{uri}")),
            GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
            _ => None,
        })
        .collect();
    for name in certificate.subject().iter_common_name() {
        names.push(format!("CN:{}", name.as_str().ok()?));
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_tells_its_uris_its_host_names_its_common_name_and_its_end() {
        let mut params = CertificateParams::new(["rostering.rj1.nhs.uk".to_owned(), "10.1.2.3".to_owned()]).unwrap();
        params.subject_alt_names.insert(0, SanType::URI("spiffe://nhs/rj1/rostering".try_into().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "rostering");
        params.not_after = date_time_ymd(2027, 1, 1);
        let peer = Peer::of(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap();
        let names = ["URI:spiffe://nhs/rj1/rostering", "DNS:rostering.rj1.nhs.uk", "CN:rostering"];
        assert_eq!(&*peer.names, names);
        assert_eq!(peer.not_after, 1_798_761_600);
        assert!(Peer::of(b"not a certificate").is_none());
    }
}
