//! Connections that this program makes: to Desk, straight or through a proxy, and to itself.
//!
//! reqwest makes and keeps them. Here is what it is told and what it does not tell: names are looked up
//! by [`dns`], which holds nothing up; a proxy is used where [`proxy`] finds one in the environment; why
//! that proxy makes no tunnel says [`tunnel`]; and errors are put in words without the URL, of which a
//! UserSig is part.

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

/// What every request, and every tunnel's, is signed with.
const OUR_NAME: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A client whose connections are there within `patience`, the name's look-up and all that a proxy does
/// included.
pub(crate) fn client(tls: ClientConfig, patience: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        // It would read the environment in its own way; ours is handed to it.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .user_agent(OUR_NAME)
        .connect_timeout(patience)
        .dns_resolver(Arc::new(Resolver::new(patience)))
        .tls_backend_preconfigured(tls)
}

/// `error`, then what it comes from, and so on to the innermost.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(unwrapped(error)), |&error| {
        error.source().map(unwrapped)
    })
}

/// What an error of `std::io` holds in place of one of the system: it is no source of it.
fn unwrapped<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(held) => unwrapped(held),
        None => error,
    }
}

/// What `error` is made of, from the outside to the inside.
pub(crate) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    // reqwest says no more than what it was at, and hyper's client around a connection's failure neither.
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

/// Why a name has led to no address, where `error` comes from that.
pub(crate) fn look_up_failure(error: &reqwest::Error) -> Option<String> {
    let failure = chain(error).find_map(|cause| cause.downcast_ref::<dns::Failure>());
    failure.map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::tls::{Roots, client_config};

    #[tokio::test]
    async fn a_failure_is_put_in_words_without_the_url_and_what_says_no_more() {
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
