//! The printer's own reading of HTTP and of tags. It knows tags and attributes, no more: a real
//! board is no wiser.

#[derive(Debug)]
pub(super) enum Http {
    Incomplete,
    Bad,
    Body(String),
}

/// Takes one POST out of what was received.
pub(super) fn request(input: &mut Vec<u8>) -> Http {
    let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if input.len() > 16_384 {
            Http::Bad
        } else {
            Http::Incomplete
        };
    };
    let head = String::from_utf8_lossy(&input[..end]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    if !head.starts_with("POST ") || !path.starts_with("/cgi-bin/fpmate.cgi") {
        return Http::Bad;
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let ours = name.eq_ignore_ascii_case("content-length");
        ours.then(|| value.trim().parse::<usize>().ok())?
    });
    let Some(length) = length.filter(|length| *length <= 1 << 20) else {
        return Http::Bad;
    };
    let whole = end + 4 + length;
    if input.len() < whole {
        return Http::Incomplete;
    }
    let body = String::from_utf8_lossy(&input[end + 4..whole]).into_owned();
    input.drain(..whole);
    Http::Body(body)
}

/// One tag, opening or empty.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn get(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// Every opening tag of a document, in order; `None` if a tag has no end.
pub(super) fn tags(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut quoted = false;
        let end = rest.find(|c| {
            if c == '"' {
                quoted = !quoted;
            }
            c == '>' && !quoted
        })?;
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if inside.starts_with(['?', '!', '/']) {
            continue;
        }
        tags.push(tag(inside.trim_end_matches('/')));
    }
    Some(tags)
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside
        .split_once(char::is_whitespace)
        .unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        let Some((value, tail)) = after.split_once('"') else {
            break;
        };
        attributes.push((name.trim().to_owned(), plain(value)));
        rest = tail;
    }
    let name = name.rsplit(':').next().unwrap_or_default().to_owned();
    Tag { name, attributes }
}

fn plain(value: &str) -> String {
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}
