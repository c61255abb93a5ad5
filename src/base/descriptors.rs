//! The limit of open files and sockets of this process.

/// Raises the soft limit to the hard one. The soft limit is low for programs that use `select`, which
/// cannot handle descriptors from 1024 on.
#[cfg(target_os = "linux")]
pub(crate) fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// The soft limit; `None` if there is none, or it is unknown.
#[cfg(target_os = "linux")]
pub(crate) fn most() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    let most = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn most() -> Option<usize> {
    None
}
