//! Reads link addresses: text in, a [`Target`] or a plain sentence out. Touches nothing.

use std::net::{IpAddr, SocketAddr};

use driver_sdk::LinkError;
use url::Url;

/// What a link address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Serial(SerialTarget),
    Tcp(TcpTarget),
    Listen(ListenTarget),
    Http(Url),
}

/// A serial port and how its line is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SerialTarget {
    /// `/dev/…` or `COM3`.
    pub path: String,
    pub baud: u32,
    pub data: Data,
    pub parity: Parity,
    pub stop: Stop,
    pub flow: Flow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Seven,
    Eight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    One,
    Two,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    None,
    RtsCts,
    XonXoff,
}

/// A device that accepts connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpTarget {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

/// A device that connects to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenTarget {
    pub at: SocketAddr,
    /// Who may connect; everybody on this PC where it is empty, which only a loopback address may.
    pub allow: Vec<IpAddr>,
}

const SCHEMES: [&str; 6] = ["serial", "tcp", "listen", "http", "https", "exec"];
const EXAMPLE: &str = "\"tcp:192.168.7.30:9100\" or \"serial:/dev/ttyUSB0?baud=9600\"";

impl Target {
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(error(format!("`{text}` is no link; write {EXAMPLE}")));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "serial" => serial(rest).map(Self::Serial),
            "tcp" => tcp(rest).map(Self::Tcp),
            "listen" => listen(rest).map(Self::Listen),
            "http" | "https" => http(text).map(Self::Http),
            "exec" => Err(error(
                "a driver in a process of its own (`exec:`) is not in this build yet; \
                 use serial:, tcp:, listen:, http: or https:",
            )),
            other => Err(error(match nearest(other, &SCHEMES) {
                Some(known) => format!("unknown link `{other}:`; did you mean `{known}:`?"),
                None => format!("unknown link `{other}:`; write {EXAMPLE}"),
            })),
        }
    }

    /// The address without its options: what two devices share, and what the shelf belongs to.
    pub fn address(&self) -> String {
        match self {
            Self::Serial(serial) => format!("serial:{}", serial.path),
            Self::Tcp(tcp) if tcp.host.contains(':') => format!("tcp:[{}]:{}", tcp.host, tcp.port),
            Self::Tcp(tcp) => format!("tcp:{}:{}", tcp.host, tcp.port),
            Self::Listen(listen) => format!("listen:{}", listen.at),
            Self::Http(url) => url.to_string(),
        }
    }
}

fn serial(rest: &str) -> Result<SerialTarget, LinkError> {
    let (path, options) = split_options(rest)?;
    let mut serial = SerialTarget {
        path: port_name(path)?,
        baud: 9600,
        data: Data::Eight,
        parity: Parity::None,
        stop: Stop::One,
        flow: Flow::None,
    };
    for (name, value) in options {
        match name {
            "baud" => serial.baud = baud(value)?,
            "data" => serial.data = word("data", value, &[("8", Data::Eight), ("7", Data::Seven)])?,
            "parity" => {
                serial.parity = word(
                    "parity",
                    value,
                    &[
                        ("none", Parity::None),
                        ("even", Parity::Even),
                        ("odd", Parity::Odd),
                    ],
                )?;
            }
            "stop" => serial.stop = word("stop", value, &[("1", Stop::One), ("2", Stop::Two)])?,
            "flow" => {
                serial.flow = word(
                    "flow",
                    value,
                    &[
                        ("none", Flow::None),
                        ("rts-cts", Flow::RtsCts),
                        ("xon-xoff", Flow::XonXoff),
                    ],
                )?;
            }
            other => {
                return Err(unknown_option(
                    "serial:",
                    other,
                    &["baud", "data", "parity", "stop", "flow"],
                ));
            }
        }
    }
    Ok(serial)
}

fn port_name(path: &str) -> Result<String, LinkError> {
    let windows = path.strip_prefix(r"\\.\").unwrap_or(path);
    let upper = windows.to_ascii_uppercase();
    let number = upper.strip_prefix("COM").unwrap_or_default();
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(upper);
    }
    if path.starts_with('/') && path.len() > 1 {
        return Ok(path.to_owned());
    }
    Err(error(match path {
        "" => "`serial:` names no port; write \"serial:/dev/ttyUSB0\" or \"serial:COM3\"".into(),
        _ => {
            format!("`{path}` is no serial port; write \"serial:/dev/ttyUSB0\" or \"serial:COM3\"")
        }
    }))
}

fn baud(value: &str) -> Result<u32, LinkError> {
    match value.parse() {
        Ok(baud @ 50..=4_000_000) => Ok(baud),
        Ok(_) | Err(_) => Err(error(format!(
            "`baud={value}` is no speed of a serial line; usual are 9600, 19200, 38400 and 115200"
        ))),
    }
}

fn tcp(rest: &str) -> Result<TcpTarget, LinkError> {
    let (place, options) = split_options(rest)?;
    if let Some((name, _)) = options.first() {
        return Err(unknown_option("tcp:", name, &[]));
    }
    let example = "write \"tcp:192.168.7.30:9100\"";
    if place.starts_with("//") {
        return Err(error(format!("`tcp:` takes no slashes; {example}")));
    }
    let (host, port) = host_and_port(place, "tcp:", example)?;
    if port == 0 {
        return Err(error(format!("port 0 is no port of a device; {example}")));
    }
    Ok(TcpTarget { host, port })
}

fn listen(rest: &str) -> Result<ListenTarget, LinkError> {
    let (place, options) = split_options(rest)?;
    let example = "write \"listen:0.0.0.0:5010?allow=192.168.7.20\"";
    let (host, port) = host_and_port(place, "listen:", example)?;
    let ip: IpAddr = host.parse().map_err(|_| {
        error(format!(
            "`{host}` is no address of this PC; use 0.0.0.0 for all of them: {example}"
        ))
    })?;
    let mut allow = Vec::new();
    for (name, value) in options {
        if name != "allow" {
            return Err(unknown_option("listen:", name, &["allow"]));
        }
        for one in value.split(',') {
            allow.push(one.trim().parse().map_err(|_| {
                error(format!(
                    "`allow={value}`: `{one}` is no IP address; {example}"
                ))
            })?);
        }
    }
    if allow.is_empty() && !ip.is_loopback() {
        return Err(error(format!(
            "say which device may connect with `allow=`; {example}"
        )));
    }
    Ok(ListenTarget {
        at: SocketAddr::new(ip, port),
        allow,
    })
}

fn http(text: &str) -> Result<Url, LinkError> {
    let url = Url::parse(text).map_err(|cause| {
        error(format!(
            "`{text}` is no address ({cause}); write \"http://192.168.7.40/cgi-bin/fpmate.cgi\""
        ))
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error(
            "a link holds no user name and no password; remove what stands before the `@`",
        ));
    }
    if url.fragment().is_some() {
        return Err(error("a link ends before the `#`; remove it and the rest"));
    }
    Ok(url)
}

fn host_and_port(place: &str, scheme: &str, example: &str) -> Result<(String, u16), LinkError> {
    let missing = || error(format!("`{scheme}{place}` names no port; {example}"));
    let (host, port) = place.rsplit_once(':').ok_or_else(missing)?;
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = match bracketed {
        Some(inside) => inside,
        None if host.contains(':') => {
            return Err(error(format!(
                "an IPv6 address stands in brackets, such as \"{scheme}[::1]:9100\""
            )));
        }
        None => host,
    };
    if port.is_empty() {
        return Err(missing());
    }
    let port = port
        .parse()
        .map_err(|_| error(format!("`{port}` is no port (1 to 65535); {example}")))?;
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | '[' | ']');
    if host.is_empty() || host.contains(odd) {
        return Err(error(format!(
            "`{host}` is no name or address of a device; {example}"
        )));
    }
    Ok((host.to_ascii_lowercase(), port))
}

type Options<'a> = Vec<(&'a str, &'a str)>;

fn split_options(rest: &str) -> Result<(&str, Options<'_>), LinkError> {
    let Some((place, query)) = rest.split_once('?') else {
        return Ok((rest, Vec::new()));
    };
    let mut options = Options::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            error(format!(
                "the option `{option}` has no value; write `{option}=…`"
            ))
        })?;
        if options.iter().any(|(earlier, _)| *earlier == name) {
            return Err(error(format!("the option `{name}` stands twice; keep one")));
        }
        options.push((name, value));
    }
    Ok((place, options))
}

fn word<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Result<T, LinkError> {
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        error(format!(
            "`{name}={value}` is not possible; use {}",
            either(&known)
        ))
    })
}

fn unknown_option(scheme: &str, name: &str, known: &[&str]) -> LinkError {
    error(match (nearest(name, known), known) {
        (Some(near), _) => format!("unknown option `{name}`; did you mean `{near}`?"),
        (None, []) => format!("unknown option `{name}`; `{scheme}` has no options, remove it"),
        (None, _) => format!(
            "unknown option `{name}`; `{scheme}` knows {}",
            either(known).replace(" or ", " and ")
        ),
    })
}

fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
        .min()
        .map(|(_, known)| known)
}

fn error(text: impl Into<String>) -> LinkError {
    LinkError(text.into())
}

#[cfg(test)]
mod tests;
