//! `http_server_config`: HTTP/2, and headers of every response.

use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use serde::de::MapAccess;

use super::yaml::{Flag, Section, Value, named};

/// The section.
#[derive(Default)]
pub struct HttpConfig {
    /// Whether HTTP/2 is offered over TLS; true unless set.
    pub http2: Option<Flag>,
    /// Headers of every response.
    pub headers: Headers,
}

impl Section for HttpConfig {
    const KEYS: &'static [&'static str] = &["http2", "headers"];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        match key {
            "http2" => value.set(&mut self.http2),
            _ => value.section(&mut self.headers),
        }
    }
}

/// `headers`: those of them that are set.
#[derive(Default)]
pub struct Headers(pub HeaderMap);

impl Section for Headers {
    const KEYS: &'static [&'static str] = &[
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "X-XSS-Protection",
        "Strict-Transport-Security",
    ];

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        let (name, value) = match key {
            "X-Frame-Options" => (
                X_FRAME_OPTIONS,
                value.text::<FrameOptions>()?.map(|it| it.0),
            ),
            "X-Content-Type-Options" => {
                let options = value.text::<ContentTypeOptions>()?;
                (X_CONTENT_TYPE_OPTIONS, options.map(|it| it.0))
            }
            _ => {
                let name = match key {
                    "Content-Security-Policy" => CONTENT_SECURITY_POLICY,
                    "X-XSS-Protection" => X_XSS_PROTECTION,
                    _ => STRICT_TRANSPORT_SECURITY,
                };
                (name, value.text::<AnyValue>()?.map(|it| it.0))
            }
        };
        if let Some(value) = value {
            self.0.insert(name, value);
        }
        Ok(())
    }
}

struct FrameOptions(HeaderValue);

impl TryFrom<String> for FrameOptions {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = [("deny", "deny"), ("sameorigin", "sameorigin")];
        let option = named(&text, &known).ok_or("is neither deny nor sameorigin")?;
        Ok(Self(HeaderValue::from_static(option)))
    }
}

struct ContentTypeOptions(HeaderValue);

impl TryFrom<String> for ContentTypeOptions {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let option = named(&text, &[("nosniff", "nosniff")]).ok_or("is not nosniff")?;
        Ok(Self(HeaderValue::from_static(option)))
    }
}

struct AnyValue(HeaderValue);

impl TryFrom<String> for AnyValue {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let value = HeaderValue::try_from(text).map_err(|_| "holds what no header can")?;
        Ok(Self(value))
    }
}
