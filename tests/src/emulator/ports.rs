//! Ports for the emulators.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections, which come and go.
const FIRST: u32 = 10_000;
const COUNT: u32 = 20_000;
/// The distance between the first ports of two processes with successive ids.
const STRIDE: u32 = 64;

/// The number of ports that this process has tried.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// Two ports on which no process listens, and that this process did not get before.
pub(super) fn free() -> [u16; 2] {
    [(); 2].map(|()| {
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        std::iter::repeat_with(next).take(1_000).find(is_free).expect("a free port")
    })
}

fn next() -> u16 {
    let step = LOOKED_AT.fetch_add(1, Ordering::Relaxed);
    let port = FIRST + (std::process::id().wrapping_mul(STRIDE).wrapping_add(step)) % COUNT;
    u16::try_from(port).unwrap_or(u16::MAX)
}
