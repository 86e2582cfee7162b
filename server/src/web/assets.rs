use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH},
};

use super::response::{Body, empty};

/// The files of the page, which are part of the executable: path, type, and contents.
const FILES: &[(&str, &str, &[u8])] =
    &[("/", "text/html; charset=utf-8", include_bytes!("../../page/index.html"))];

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    content_type: &'static str,
    contents: &'static [u8],
}

impl Asset {
    /// The file at `path`.
    pub fn find(path: &str) -> Option<Self> {
        let file = FILES.iter().find(|(name, ..)| *name == path);
        file.map(|&(_, content_type, contents)| Self { content_type, contents })
    }

    /// The response to a request with these `headers`: without the contents if the browser has them.
    pub fn response(self, headers: &HeaderMap) -> Response<Body> {
        let tag = self.tag();
        let mut response = if has_tag(headers, &tag) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            Response::new(Bytes::from_static(self.contents).into())
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // A browser asks each time, so that it never has files of two versions.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes"));
        response
    }

    fn tag(self) -> String {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.contents);
        format!("\"{:016x}\"", hasher.finish())
    }
}

/// Whether `If-None-Match` has `tag`.
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_once_and_has_contents() {
        for (path, _, contents) in FILES {
            assert!(path.starts_with('/') && !contents.is_empty(), "{path}");
            assert_eq!(FILES.iter().filter(|(other, ..)| other == path).count(), 1, "{path}");
        }
        assert!(Asset::find("/").is_some());
        assert!(Asset::find("/../Cargo.toml").is_none() && Asset::find("").is_none());
    }

    #[test]
    fn known_contents_are_not_sent_again() {
        let asset = Asset::find("/").unwrap();
        let status = |known: &str| {
            let headers = [(IF_NONE_MATCH, known.parse().unwrap())].into_iter().collect();
            asset.response(&headers).status()
        };
        let tag = asset.tag();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(status(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
        for known in ["", "\"x\"", &tag[1..]] {
            assert_eq!(status(known), StatusCode::OK, "{known}");
        }
    }
}
