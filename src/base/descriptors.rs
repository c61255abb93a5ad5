//! How many files and sockets this process may have open.

/// Raises the limit to what the process may have without being asked for more: the lower one that
/// shells and service managers set is for programs of other times.
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

/// The most, where there is a limit and the system tells it.
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
