//! Connections of this program: to Desk, with or without a proxy, and to itself.
//!
//! reqwest opens and keeps them. This module configures it, and adds three things: [`dns`] looks up names
//! with a time limit, [`proxy`] reads the proxy of the environment, [`tunnel`] finds out why a proxy
//! refuses. Errors are described without the URL, of which the UserSig is a part.

mod dns;
pub mod proxy;
pub(crate) mod tunnel;

use std::error::Error;
use std::io;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{ClientBuilder, redirect};
use rustls::ClientConfig;

use dns::Resolver;

/// The `User-Agent` of every request.
const OUR_NAME: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A client whose connections may take `patience` to open, including the lookup and the proxy's part.
pub(crate) fn client(tls: ClientConfig, patience: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        // `proxy` reads the environment instead of reqwest.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .user_agent(OUR_NAME)
        .connect_timeout(patience)
        .dns_resolver(Arc::new(Resolver::new(patience)))
        .tls_backend_preconfigured(tls)
}

/// `error` and its sources, from the outside to the inside.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(unwrapped(error)), |&error| {
        error.source().map(unwrapped)
    })
}

/// The error inside an `io::Error`, which is not its source, or else `error` itself.
fn unwrapped<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(held) => unwrapped(held),
        None => error,
    }
}

/// The causes of `error` in words, from the outside to the inside, without the URL.
pub(crate) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    // The outer errors of reqwest, and of hyper's client around a failed connection, tell no cause.
    let outside = 1 + usize::from(error.is_connect());
    let in_words = |cause: &(dyn Error + 'static)| match cause.is::<rustls::Error>() {
        true => format!("TLS: {cause}"),
        false => cause.to_string(),
    };
    let mut causes: Vec<_> = chain(&error).skip(outside).map(in_words).collect();
    causes.dedup();
    match causes.is_empty() {
        true => error.to_string(),
        false => causes.join(": "),
    }
}

/// Why a name has no address, if that is the cause of `error`.
pub(crate) fn look_up_failure(error: &reqwest::Error) -> Option<String> {
    let failure = chain(error).find_map(|cause| cause.downcast_ref::<dns::Failure>());
    failure.map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::tls::{Roots, client_config};

    #[tokio::test]
    async fn an_error_is_described_by_its_causes_without_the_url() {
        // Bound and not listened on: connections are refused.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let tls = client_config(&Roots::default()).unwrap();
        let client = client(tls, Duration::from_secs(60)).build().unwrap();
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{address}/path?usersig=s3cret");
            let said = causes(client.get(url).send().await.unwrap_err());
            assert!(said.starts_with("tcp connect error: "), "{said}");
            assert!(
                said.contains("refused") && !said.contains("s3cret"),
                "{said}"
            );
        }
        let unusable = client.get("s3cret://x").send().await.unwrap_err();
        assert!(!causes(unusable).contains("s3cret"));
    }
}
