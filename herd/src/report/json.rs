use tribune_protocol::encode;

use super::document::Document;

/// The document as JSON, in one printable line with its end.
pub fn json(document: &Document) -> String {
    let mut json = Vec::new();
    encode(document, &mut json);
    String::from_utf8(json).expect("JSON is UTF-8")
}
