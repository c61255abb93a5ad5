//! Name lookups by the system's resolver, which may hang.
//!
//! `getaddrinfo` heeds the configuration of the machine: the hosts file, search domains, nsswitch. But it
//! blocks its thread, for minutes if no server answers. So it has a pool of threads of its own, lookups
//! of one name at the same time are one, and the wait for it has the limit of a connection.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::base::blocking;
use crate::base::mutex::lock;

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

type Found = Result<Vec<SocketAddr>, Failure>;

/// Looks up names.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    patience: Duration,
    look_up: fn(&str) -> Found,
    /// The lookups under way, by name.
    under_way: Arc<Mutex<HashMap<String, watch::Receiver<Option<Found>>>>>,
}

impl Resolver {
    /// A resolver for connections that may take `patience` in all.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            // Less than the connection's limit, so that the error is about the lookup.
            patience: patience.mul_f64(0.9),
            look_up: by_the_system,
            under_way: Arc::default(),
        }
    }

    pub(super) async fn addresses(self, name: String) -> Found {
        // Always this machine, since plain HTTP is allowed to it.
        if name.eq_ignore_ascii_case("localhost") {
            return Ok(vec![
                (Ipv4Addr::LOCALHOST, 0).into(),
                (Ipv6Addr::LOCALHOST, 0).into(),
            ]);
        }
        let mut told = self.asked(&name);
        let found = timeout(self.patience, told.wait_for(Option::is_some)).await;
        let found = found
            .ok()
            .and_then(Result::ok)
            .and_then(|found| found.clone());
        found.unwrap_or_else(|| {
            Err(Failure(format!(
                "the resolver has not said within {:.1?} where {name} is",
                self.patience
            )))
        })
    }

    /// The result of the lookup of `name` that is under way, or of a new one.
    fn asked(&self, name: &str) -> watch::Receiver<Option<Found>> {
        let mut under_way = lock(&self.under_way);
        if let Some(told) = under_way.get(name) {
            return told.clone();
        }
        let (tell, told) = watch::channel(None);
        under_way.insert(name.to_owned(), told.clone());
        let (all, name, look_up) = (self.under_way.clone(), name.to_owned(), self.look_up);
        tokio::spawn(async move {
            let asked = name.clone();
            let found = blocking::DNS.run(move || look_up(&asked)).await;
            lock(&all).remove(&name);
            tell.send_replace(Some(found));
        });
        told
    }
}

fn by_the_system(name: &str) -> Found {
    let failure = |why: &dyn fmt::Display| Failure(format!("no address for {name}: {why}"));
    let found: Vec<_> = (name, 0)
        .to_socket_addrs()
        .map_err(|error| failure(&error))?
        .collect();
    match found.is_empty() {
        true => Err(failure(&"it has none")),
        false => Ok(found),
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(addresses.await?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_lookup_that_hangs_is_shared_by_all_that_wait_for_it() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        static IS_OVER: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

        let resolver = Resolver {
            look_up: |_| {
                ASKED.fetch_add(1, Ordering::SeqCst);
                let (is_over, change) = &IS_OVER;
                drop(change.wait_while(lock(is_over), |is_over| !*is_over));
                Ok(vec![([192, 0, 2, 1], 0).into()])
            },
            ..Resolver::new(Duration::from_millis(10))
        };
        for _ in 0..20 {
            let failure = resolver.clone().addresses("desk.test".to_owned()).await;
            assert!(failure.unwrap_err().to_string().contains("desk.test"));
        }
        assert!(ASKED.load(Ordering::SeqCst) <= 1);
        *lock(&IS_OVER.0) = true;
        IS_OVER.1.notify_all();
        let patient = Resolver {
            patience: Duration::from_secs(60),
            ..resolver
        };
        let found = patient.addresses("desk.test".to_owned()).await.unwrap();
        assert_eq!(found, [([192, 0, 2, 1], 0).into()]);
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let resolver = Resolver {
            look_up: |_| Err(Failure("asked".to_owned())),
            ..Resolver::new(Duration::from_secs(60))
        };
        let found = resolver.addresses("LocalHost".to_owned()).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
    }
}
