//! Ports that nobody listens on.

use std::net::TcpListener;

/// Two of them. They are free until somebody takes them.
pub(super) fn free() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
