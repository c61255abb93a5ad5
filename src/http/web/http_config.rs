//! `http_server_config`: HTTP/2, and headers of every response.

use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use serde::{Deserialize, Deserializer};

use super::yaml::{or_default, parsed, truth};

/// The section.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Whether HTTP/2 is offered over TLS; true unless set.
    #[serde(deserialize_with = "truth")]
    pub http2: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    headers: Headers,
}

impl HttpConfig {
    /// The headers of every response: those that are set.
    pub fn headers(&self) -> HeaderMap {
        let headers = &self.headers;
        let frame_options = headers.frame_options.map(|option| match option {
            FrameOptions::Deny => HeaderValue::from_static("deny"),
            FrameOptions::SameOrigin => HeaderValue::from_static("sameorigin"),
        });
        let type_options = headers.content_type_options.map(|option| match option {
            ContentTypeOptions::NoSniff => HeaderValue::from_static("nosniff"),
        });
        let all = [
            (CONTENT_SECURITY_POLICY, headers.content_security.clone()),
            (X_FRAME_OPTIONS, frame_options),
            (X_CONTENT_TYPE_OPTIONS, type_options),
            (X_XSS_PROTECTION, headers.xss_protection.clone()),
            (
                STRICT_TRANSPORT_SECURITY,
                headers.transport_security.clone(),
            ),
        ];
        let set = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        set.collect()
    }
}

/// `headers`: those that may be set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Headers {
    #[serde(rename = "Content-Security-Policy", deserialize_with = "value")]
    content_security: Option<HeaderValue>,
    #[serde(rename = "X-Frame-Options")]
    frame_options: Option<FrameOptions>,
    #[serde(rename = "X-Content-Type-Options")]
    content_type_options: Option<ContentTypeOptions>,
    #[serde(rename = "X-XSS-Protection", deserialize_with = "value")]
    xss_protection: Option<HeaderValue>,
    #[serde(rename = "Strict-Transport-Security", deserialize_with = "value")]
    transport_security: Option<HeaderValue>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FrameOptions {
    Deny,
    SameOrigin,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ContentTypeOptions {
    NoSniff,
}

/// Reads the value of a header.
fn value<'de, D: Deserializer<'de>>(value: D) -> Result<Option<HeaderValue>, D::Error> {
    parsed(value, |text| {
        HeaderValue::from_str(text).map_err(|_| "holds what no header can".into())
    })
}
