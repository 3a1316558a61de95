//! `[mews]`: both addresses and the way to them.

use std::ops::Range;
use std::path::PathBuf;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::{Host, Url};

use super::Surroundings;
use crate::config::file::{At, MewsKeys, Section};
use crate::config::finding::{Findings, suggestion};
use crate::config::settings::Mews;

/// Name, platform and socket address of each environment (Mews Connector API, "Environments").
const ENVIRONMENTS: [(&str, &str, &str); 2] = [
    (
        "demo",
        "https://api.mews-demo.com",
        "wss://ws.mews-demo.com",
    ),
    ("production", "https://api.mews.com", "wss://ws.mews.com"),
];

pub(in crate::config) fn mews(
    section: Option<Section<MewsKeys>>,
    around: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) -> Option<Mews> {
    let Some(Section { at, keys }) = section else {
        let fix = "write it with environment = \"demo\" or \"production\"";
        findings.missing(&(0..0), "mews", fix);
        return None;
    };
    let proxy = keys.proxy.map(|text| proxy(&text, findings));
    let ca_file = keys
        .ca_file
        .as_ref()
        .map(|path| ca_file(path, around, findings));
    let platform = keys.platform_address.as_ref();
    let websocket = keys.websocket_address.as_ref();
    let addresses = match (&keys.environment, platform, websocket) {
        (Some(environment), None, None) => of_environment(environment, findings),
        (Some(environment), _, _) => {
            let fact =
                "mews: `environment` and addresses of its own are two answers to one question";
            findings.error(&environment.span(), format!("{fact}; remove one of them"));
            None
        }
        (None, Some(platform), Some(websocket)) => {
            let platform = address("platform_address", platform, PLATFORM, findings);
            platform.zip(address("websocket_address", websocket, WEBSOCKET, findings))
        }
        (None, Some(one), None) => lonely("mews.websocket_address", one, findings),
        (None, None, Some(one)) => lonely("mews.platform_address", one, findings),
        (None, None, None) => {
            findings.missing(&at, "mews.environment", "write \"demo\" or \"production\"");
            None
        }
    };
    let (platform, websocket) = addresses?;
    Some(Mews {
        platform,
        websocket,
        proxy: proxy.flatten(),
        ca_file: ca_file.flatten(),
    })
}

fn of_environment(text: &At<String>, findings: &mut Findings<'_>) -> Option<(Url, Url)> {
    let known = ENVIRONMENTS
        .iter()
        .find(|(name, _, _)| name == text.get_ref());
    let Some((_, platform, websocket)) = known else {
        let suggestion = suggestion(text.get_ref(), ENVIRONMENTS.map(|(name, _, _)| name));
        let fact = format!("mews: unknown environment `{}`", text.get_ref());
        findings.error(&text.span(), format!("{fact}; {suggestion}"));
        return None;
    };
    let url = |text: &str| Url::parse(text).expect("the addresses of Mews are valid");
    Some((url(platform), url(websocket)))
}

fn lonely(missing: &str, other: &At<String>, findings: &mut Findings<'_>) -> Option<(Url, Url)> {
    findings.missing(&other.span(), missing, "name both, or use `environment`");
    None
}

/// A scheme with TLS and its twin without.
#[derive(Clone, Copy)]
struct Schemes {
    safe: &'static str,
    clear: &'static str,
}
const PLATFORM: Schemes = Schemes {
    safe: "https",
    clear: "http",
};
const WEBSOCKET: Schemes = Schemes {
    safe: "wss",
    clear: "ws",
};

fn address(
    key: &str,
    text: &At<String>,
    Schemes { safe, clear }: Schemes,
    findings: &mut Findings<'_>,
) -> Option<Url> {
    let mut refuse = |fact: &str, fix: String| {
        findings.error(&text.span(), format!("mews: `{key}` {fact}; {fix}"));
        None
    };
    let Some(url) = url_with_host(text.get_ref()) else {
        return refuse("is no address", format!("write it as \"{safe}://HOST\""));
    };
    if url.scheme() != safe && url.scheme() != clear {
        return refuse(
            "begins with another scheme",
            format!("write \"{safe}://…\""),
        );
    }
    if has_password(&url) {
        return refuse("holds a name or password", "remove it".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || url.path() != "/" {
        return refuse(
            "has more than a host",
            format!("write it as \"{safe}://HOST\""),
        );
    }
    if url.scheme() == clear && !is_this_pc(&url) {
        let fact = "would send the tokens in clear text";
        return refuse(
            fact,
            format!("use {safe}:// ({clear}:// is for this PC itself)"),
        );
    }
    Some(url)
}

fn proxy(text: &At<String>, findings: &mut Findings<'_>) -> Option<Url> {
    let fault = match url_with_host(text.get_ref()) {
        Some(url) if url.scheme() != "http" => "is no HTTP proxy; write \"http://HOST:PORT\"",
        // A proxy's password would stand in this file, which people send each other.
        Some(url) if has_password(&url) => {
            "holds a name or password; remove it and let the proxy accept this PC by its address"
        }
        Some(url) if url.path() != "/" || url.query().is_some() => {
            "has more than a host and a port; write \"http://HOST:PORT\""
        }
        Some(url) => return Some(url),
        None => "is no address; write it as \"http://HOST:PORT\"",
    };
    findings.error(&text.span(), format!("mews: `proxy` {fault}"));
    None
}

fn ca_file(
    path: &At<String>,
    around: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) -> Option<PathBuf> {
    let at: Range<usize> = path.span();
    let place = around.path(path.get_ref());
    let bytes = match around.vault.plain_file(&place) {
        Ok(bytes) => bytes,
        Err(cause) => {
            let fix = "name a file with certificates (PEM)";
            findings.error(&at, format!("mews: cannot read `ca_file`: {cause}; {fix}"));
            return None;
        }
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    if certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        return Some(place);
    }
    let fix = "it must hold PEM text, BEGIN CERTIFICATE";
    findings.error(&at, format!("mews: `ca_file` holds no certificate; {fix}"));
    None
}

fn url_with_host(text: &str) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}

fn has_password(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_this_pc(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
